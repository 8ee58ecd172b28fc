BEGIN TRANSACTION;
CREATE TABLE admitted (
	label TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (label, value)
)
 WITHOUT ROWID

;
INSERT INTO "admitted" VALUES('test:model','m');
CREATE TABLE daily (
	day INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	dimension INTEGER NOT NULL, 
	events BIGINT NOT NULL, 
	amounts TEXT NOT NULL, 
	PRIMARY KEY (day, kind, dimension)
)
 WITHOUT ROWID

;
INSERT INTO "daily" VALUES(20717,'usage',1,2,'1000000000000000000000000000000 2');
CREATE TABLE digest (
	digest BLOB NOT NULL, 
	expires BIGINT NOT NULL, 
	PRIMARY KEY (digest)
)
 WITHOUT ROWID

;
INSERT INTO "digest" VALUES(X'646967657374',9999999999999);
CREATE TABLE dimension (
	id INTEGER NOT NULL, 
	labels TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (labels)
);
INSERT INTO "dimension" VALUES(1,'["p","m"]');
CREATE TABLE event (
	timestamp BIGINT NOT NULL, 
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	dimension INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (timestamp, id)
)
 WITHOUT ROWID

;
INSERT INTO "event" VALUES(1790000000001,'e1','usage',1,X'31');
INSERT INTO "event" VALUES(1790000000002,'e2','usage',1,X'32');
CREATE TABLE fact (
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	data BLOB NOT NULL, 
	updated BIGINT NOT NULL, 
	PRIMARY KEY (kind, "key")
)
 WITHOUT ROWID

;
INSERT INTO "fact" VALUES('seen','a',X'41',1790000000000);
CREATE TABLE family (
	metric TEXT NOT NULL, 
	layout TEXT NOT NULL, 
	PRIMARY KEY (metric)
);
INSERT INTO "family" VALUES('requests_total','{"labels": ["model", "ok"], "buckets": [], "scale": 1}');
INSERT INTO "family" VALUES('cost_usd_total','{"labels": ["model"], "buckets": [], "scale": 1000000000000}');
INSERT INTO "family" VALUES('wait_seconds','{"labels": ["model"], "buckets": [0.1, 1, 10], "scale": 1000000000}');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema_version','1');
INSERT INTO "meta" VALUES('ledger','fedcba9876543210');
INSERT INTO "meta" VALUES('events','2');
CREATE TABLE position (
	source TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (source)
);
INSERT INTO "position" VALUES('file','17');
CREATE TABLE series (
	id INTEGER NOT NULL, 
	metric TEXT NOT NULL, 
	labels TEXT NOT NULL, 
	value TEXT NOT NULL, 
	updated BIGINT NOT NULL, 
	lived INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "series" VALUES(1,'requests_total','["m","yes"]','2',1790000000000,0);
CREATE TABLE writer (
	id TEXT NOT NULL, 
	host TEXT NOT NULL, 
	role TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	seen BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "writer" VALUES('0123456789abcdef','sample','former',3,0);
CREATE INDEX ix_digest_expires ON digest (expires);
COMMIT;
