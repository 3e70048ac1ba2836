BEGIN TRANSACTION;
CREATE TABLE ari_log_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT ari_log_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "ari_log_version" VALUES('0005');
CREATE TABLE usage_ai (
	id VARCHAR(40) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	key_id VARCHAR(40) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	model TEXT, 
	input_tokens BIGINT, 
	output_tokens BIGINT, 
	cached_tokens BIGINT, 
	provider_status INTEGER, 
	first_byte_ms FLOAT, 
	whole_ms FLOAT NOT NULL, 
	ended VARCHAR(12) NOT NULL, 
	CONSTRAINT pk_usage_ai PRIMARY KEY (id)
)
 WITHOUT ROWID

;
CREATE TABLE usage_ai_hours (
	hour_ms BIGINT NOT NULL, 
	key_id VARCHAR(40) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	model TEXT NOT NULL, 
	status_class INTEGER NOT NULL, 
	request_count BIGINT NOT NULL, 
	told_count BIGINT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	last_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_usage_ai_hours PRIMARY KEY (hour_ms, key_id, provider, model, status_class)
)
 WITHOUT ROWID

;
CREATE TABLE usage_all_hours (
	hour_ms BIGINT NOT NULL, 
	with_key BOOLEAN NOT NULL, 
	code VARCHAR(24) NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_usage_all_hours PRIMARY KEY (hour_ms, with_key, code)
)
 WITHOUT ROWID

;
INSERT INTO "usage_all_hours" VALUES(1800000000000,0,'unknown',3);
INSERT INTO "usage_all_hours" VALUES(1800000000000,1,'ok',1);
INSERT INTO "usage_all_hours" VALUES(1800000000000,1,'revoked',1);
CREATE TABLE usage_attempt_hours (
	hour_ms BIGINT NOT NULL, 
	reason VARCHAR(24) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	count BIGINT NOT NULL, 
	last_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_usage_attempt_hours PRIMARY KEY (hour_ms, reason, address)
)
 WITHOUT ROWID

;
INSERT INTO "usage_attempt_hours" VALUES(1800000000000,'unknown','192.0.2.50',3,1800000000000);
CREATE TABLE usage_attempts (
	minute_ms BIGINT NOT NULL, 
	reason VARCHAR(24) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_usage_attempts PRIMARY KEY (minute_ms, reason, address)
);
INSERT INTO "usage_attempts" VALUES(1800000000000,'unknown','192.0.2.50',3);
CREATE TABLE usage_days (
	key_id VARCHAR(40) NOT NULL, 
	day_ms BIGINT NOT NULL, 
	accepted_count BIGINT NOT NULL, 
	refused_count BIGINT NOT NULL, 
	CONSTRAINT pk_usage_days PRIMARY KEY (key_id, day_ms)
)
 WITHOUT ROWID

;
INSERT INTO "usage_days" VALUES('key_01J000000000000000000000AA',1799971200000,1,1);
CREATE TABLE usage_hours (
	key_id VARCHAR(40) NOT NULL, 
	hour_ms BIGINT NOT NULL, 
	route TEXT NOT NULL, 
	code VARCHAR(24) NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_usage_hours PRIMARY KEY (key_id, hour_ms, route, code)
);
INSERT INTO "usage_hours" VALUES('key_01J000000000000000000000AA',1800000000000,'/api/me','ok',1);
INSERT INTO "usage_hours" VALUES('key_01J000000000000000000000AA',1800000000000,'/api/me','revoked',1);
CREATE TABLE usage_rows (
	id VARCHAR(40) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	request_id TEXT NOT NULL, 
	key_id VARCHAR(40) NOT NULL, 
	key_hint VARCHAR(24) NOT NULL, 
	code VARCHAR(24) NOT NULL, 
	method VARCHAR(16) NOT NULL, 
	route TEXT NOT NULL, 
	path TEXT NOT NULL, 
	status INTEGER, 
	client_address VARCHAR(64), 
	user_agent TEXT, 
	duration_ms FLOAT, 
	bytes BIGINT, 
	count INTEGER NOT NULL, source VARCHAR(10) DEFAULT 'request' NOT NULL, 
	CONSTRAINT pk_usage_rows PRIMARY KEY (id)
);
INSERT INTO "usage_rows" VALUES('req_01HMADV000AAAAAAAAAAAAAA01',1800000000001,'req_01HMADV000AAAAAAAAAAAAAA01','key_01J000000000000000000000AA','ari_k_Ab12…yz89','ok','GET','/api/me','/api/me',200,'192.0.2.7','curl/7.88.1',0.5,120,1,'request');
INSERT INTO "usage_rows" VALUES('req_01HMADV000AAAAAAAAAAAAAA02',1800000000002,'req_01HMADV000AAAAAAAAAAAAAA02','key_01J000000000000000000000AA','ari_k_Ab12…yz89','revoked','GET','/api/me','/api/me',200,'192.0.2.7','curl/7.88.1',0.5,120,1,'request');
CREATE TABLE usage_seen (
	key_id VARCHAR(40) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	value TEXT NOT NULL, 
	accepted_count BIGINT NOT NULL, 
	refused_count BIGINT NOT NULL, 
	first_seen_at_ms BIGINT NOT NULL, 
	last_seen_at_ms BIGINT NOT NULL, 
	CONSTRAINT pk_usage_seen PRIMARY KEY (key_id, kind, value)
)
 WITHOUT ROWID

;
INSERT INTO "usage_seen" VALUES('key_01J000000000000000000000AA','address','192.0.2.7',1,1,1800000000001,1800000000002);
INSERT INTO "usage_seen" VALUES('key_01J000000000000000000000AA','user_agent','curl/7.88.1',1,1,1800000000001,1800000000002);
CREATE TABLE usage_settled (
	name VARCHAR(20) NOT NULL, 
	seq BIGINT NOT NULL, 
	CONSTRAINT pk_usage_settled PRIMARY KEY (name)
);
INSERT INTO "usage_settled" VALUES('inbox',3);
CREATE TABLE usage_totals (
	key_id VARCHAR(40) NOT NULL, 
	request_count BIGINT NOT NULL, 
	refused_count BIGINT NOT NULL, 
	first_used_at_ms BIGINT, 
	last_used_at_ms BIGINT, removed_request_count BIGINT DEFAULT '0' NOT NULL, removed_refused_count BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_usage_totals PRIMARY KEY (key_id)
);
INSERT INTO "usage_totals" VALUES('key_01J000000000000000000000AA',1,1,1800000000001,1800000000001,0,0);
CREATE INDEX ix_usage_rows_key_id_code_id ON usage_rows (key_id, code, id);
CREATE INDEX ix_usage_rows_code_id ON usage_rows (code, id);
COMMIT;
