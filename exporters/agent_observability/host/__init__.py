"""Host exporter: what node_exporter and cAdvisor say of a machine, under their names."""
