CREATE TABLE public.ari_log_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.usage_ai (
    id character varying(40) NOT NULL,
    at_ms bigint NOT NULL,
    key_id character varying(40) NOT NULL,
    provider character varying(40) NOT NULL,
    model text,
    input_tokens bigint,
    output_tokens bigint,
    cached_tokens bigint,
    provider_status integer,
    first_byte_ms double precision,
    whole_ms double precision NOT NULL,
    ended character varying(12) NOT NULL
);
CREATE TABLE public.usage_ai_hours (
    hour_ms bigint NOT NULL,
    key_id character varying(40) NOT NULL,
    provider character varying(40) NOT NULL,
    model text NOT NULL,
    status_class integer NOT NULL,
    request_count bigint NOT NULL,
    told_count bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    last_at_ms bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.usage_all_hours (
    hour_ms bigint NOT NULL,
    with_key boolean NOT NULL,
    code character varying(24) NOT NULL,
    count bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.usage_attempt_hours (
    hour_ms bigint NOT NULL,
    reason character varying(24) NOT NULL,
    address character varying(64) NOT NULL,
    count bigint NOT NULL,
    last_at_ms bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.usage_attempts (
    minute_ms bigint NOT NULL,
    reason character varying(24) NOT NULL,
    address character varying(64) NOT NULL,
    count bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.usage_days (
    key_id character varying(40) NOT NULL,
    day_ms bigint NOT NULL,
    accepted_count bigint NOT NULL,
    refused_count bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.usage_hours (
    key_id character varying(40) NOT NULL,
    hour_ms bigint NOT NULL,
    route text NOT NULL,
    code character varying(24) NOT NULL,
    count bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.usage_inbox (
    seq bigint NOT NULL,
    what character varying(10) NOT NULL,
    id character varying(40),
    at_ms bigint,
    request_id text,
    key_id character varying(40),
    key_hint character varying(24),
    code character varying(24),
    method character varying(16),
    route text,
    path text,
    status integer,
    client_address character varying(64),
    user_agent text,
    duration_ms double precision,
    bytes bigint,
    count integer,
    source character varying(10)
);
CREATE SEQUENCE public.usage_inbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.usage_inbox_seq_seq OWNED BY public.usage_inbox.seq;
CREATE TABLE public.usage_rows (
    id character varying(40) NOT NULL,
    at_ms bigint NOT NULL,
    request_id text NOT NULL,
    key_id character varying(40) NOT NULL,
    key_hint character varying(24) NOT NULL,
    code character varying(24) NOT NULL,
    method character varying(16) NOT NULL,
    route text NOT NULL,
    path text NOT NULL,
    status integer,
    client_address character varying(64),
    user_agent text,
    duration_ms double precision,
    bytes bigint,
    count integer NOT NULL,
    source character varying(10) DEFAULT 'request'::character varying NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.01', autovacuum_analyze_scale_factor='0.02');
CREATE TABLE public.usage_seen (
    key_id character varying(40) NOT NULL,
    kind character varying(10) NOT NULL,
    value text NOT NULL,
    accepted_count bigint NOT NULL,
    refused_count bigint NOT NULL,
    first_seen_at_ms bigint NOT NULL,
    last_seen_at_ms bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.usage_settled (
    name character varying(20) NOT NULL,
    seq bigint NOT NULL
);
CREATE TABLE public.usage_totals (
    key_id character varying(40) NOT NULL,
    request_count bigint NOT NULL,
    refused_count bigint NOT NULL,
    first_used_at_ms bigint,
    last_used_at_ms bigint,
    removed_request_count bigint DEFAULT '0'::bigint NOT NULL,
    removed_refused_count bigint DEFAULT '0'::bigint NOT NULL
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY public.usage_inbox ALTER COLUMN seq SET DEFAULT nextval('public.usage_inbox_seq_seq'::regclass);
INSERT INTO public.ari_log_version VALUES ('0005');
INSERT INTO public.usage_all_hours VALUES (1800000000000, true, 'ok', 1);
INSERT INTO public.usage_all_hours VALUES (1800000000000, true, 'revoked', 1);
INSERT INTO public.usage_all_hours VALUES (1800000000000, false, 'unknown', 3);
INSERT INTO public.usage_attempt_hours VALUES (1800000000000, 'unknown', '192.0.2.50', 3, 1800000000000);
INSERT INTO public.usage_attempts VALUES (1800000000000, 'unknown', '192.0.2.50', 3);
INSERT INTO public.usage_days VALUES ('key_01J000000000000000000000AA', 1799971200000, 1, 1);
INSERT INTO public.usage_hours VALUES ('key_01J000000000000000000000AA', 1800000000000, '/api/me', 'ok', 1);
INSERT INTO public.usage_hours VALUES ('key_01J000000000000000000000AA', 1800000000000, '/api/me', 'revoked', 1);
INSERT INTO public.usage_inbox VALUES (4, 'row', 'req_01HMADV000AAAAAAAAAAAAAA04', 1800000000004, 'req_01HMADV000AAAAAAAAAAAAAA04', 'key_01J000000000000000000000AA', 'ari_k_Ab12…yz89', 'ok', 'POST', '/api/me', '/api/me', NULL, '192.0.2.7', 'curl/7.88.1', NULL, NULL, 1, 'request');
INSERT INTO public.usage_inbox VALUES (5, 'row', 'req_01HMADV000AAAAAAAAAAAAAA05', 1800000000005, 'req_01HMADV000AAAAAAAAAAAAAA05', 'key_01J000000000000000000000BB', 'ari_k_Ab12…yz89', 'ok', 'GET', '/api/me', '/café?q=1', 200, '192.0.2.7', 'curl/7.88.1', 0.5, 120, 1, 'verify');
INSERT INTO public.usage_inbox VALUES (6, 'row', 'req_01HMADV000AAAAAAAAAAAAAA03', 1800000000003, 'req_01HMADV000AAAAAAAAAAAAAA03', 'key_01J000000000000000000000AA', 'ari_k_Ab12…yz89', 'revoked', '*', '*', '*', 200, NULL, NULL, 0.5, 120, 1, 'request');
INSERT INTO public.usage_inbox VALUES (7, 'attempts', NULL, 1800000000000, NULL, NULL, NULL, 'unknown', NULL, NULL, NULL, NULL, '192.0.2.50', NULL, NULL, NULL, 1, NULL);
INSERT INTO public.usage_inbox VALUES (8, 'attempts', NULL, 1800000000000, NULL, NULL, NULL, 'missing', NULL, NULL, NULL, NULL, '2001:db8::/64', NULL, NULL, NULL, 2, NULL);
INSERT INTO public.usage_inbox VALUES (9, 'row', 'req_01HMADV000AAAAAAAAAAAAAA03', 1800000000003, 'req_01HMADV000AAAAAAAAAAAAAA03', 'key_01J000000000000000000000AA', 'ari_k_Ab12…yz89', 'revoked', '*', '*', '*', 200, NULL, NULL, 0.5, 120, 7, 'request');
INSERT INTO public.usage_inbox VALUES (10, 'done', 'req_01HMADV000AAAAAAAAAAAAAA04', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 201, NULL, NULL, 12.5, 900, NULL, NULL);
INSERT INTO public.usage_inbox VALUES (11, 'used', 'req_01HMADV000AAAAAAAAAAAAAA05', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '["req_01HMADV000AAAAAAAAAAAAAA05",1800000000005,"key_01J000000000000000000000BB","openai","gpt-x",10,null,2,200,5.5,9.25,"cut"]', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.usage_inbox VALUES (12, 'row', 'req_01HMADV000AAAAAAAAAAAAAA03', 1800000000003, 'req_01HMADV000AAAAAAAAAAAAAA03', 'key_01J000000000000000000000AA', 'ari_k_Ab12…yz89', 'revoked', '*', '*', '*', 200, NULL, NULL, 0.5, 120, 9, 'request');
INSERT INTO public.usage_inbox VALUES (13, 'used', 'req_01HMADV000AAAAAAAAAAAAAA04', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '["req_01HMADV000AAAAAAAAAAAAAA04",1800000000004,"key_01J000000000000000000000AA","gemini",null,null,null,null,null,null,3.0,"unreachable"]', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.usage_rows VALUES ('req_01HMADV000AAAAAAAAAAAAAA01', 1800000000001, 'req_01HMADV000AAAAAAAAAAAAAA01', 'key_01J000000000000000000000AA', 'ari_k_Ab12…yz89', 'ok', 'GET', '/api/me', '/api/me', 200, '192.0.2.7', 'curl/7.88.1', 0.5, 120, 1, 'request');
INSERT INTO public.usage_rows VALUES ('req_01HMADV000AAAAAAAAAAAAAA02', 1800000000002, 'req_01HMADV000AAAAAAAAAAAAAA02', 'key_01J000000000000000000000AA', 'ari_k_Ab12…yz89', 'revoked', 'GET', '/api/me', '/api/me', 200, '192.0.2.7', 'curl/7.88.1', 0.5, 120, 1, 'request');
INSERT INTO public.usage_seen VALUES ('key_01J000000000000000000000AA', 'address', '192.0.2.7', 1, 1, 1800000000001, 1800000000002);
INSERT INTO public.usage_seen VALUES ('key_01J000000000000000000000AA', 'user_agent', 'curl/7.88.1', 1, 1, 1800000000001, 1800000000002);
INSERT INTO public.usage_settled VALUES ('counted', 1);
INSERT INTO public.usage_totals VALUES ('key_01J000000000000000000000AA', 1, 1, 1800000000001, 1800000000001, 0, 0);
SELECT pg_catalog.setval('public.usage_inbox_seq_seq', 13, true);
ALTER TABLE ONLY public.ari_log_version
    ADD CONSTRAINT ari_log_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.usage_ai
    ADD CONSTRAINT pk_usage_ai PRIMARY KEY (id);
ALTER TABLE ONLY public.usage_ai_hours
    ADD CONSTRAINT pk_usage_ai_hours PRIMARY KEY (hour_ms, key_id, provider, model, status_class);
ALTER TABLE ONLY public.usage_all_hours
    ADD CONSTRAINT pk_usage_all_hours PRIMARY KEY (hour_ms, with_key, code);
ALTER TABLE ONLY public.usage_attempt_hours
    ADD CONSTRAINT pk_usage_attempt_hours PRIMARY KEY (hour_ms, reason, address);
ALTER TABLE ONLY public.usage_attempts
    ADD CONSTRAINT pk_usage_attempts PRIMARY KEY (minute_ms, reason, address);
ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT pk_usage_days PRIMARY KEY (key_id, day_ms);
ALTER TABLE ONLY public.usage_hours
    ADD CONSTRAINT pk_usage_hours PRIMARY KEY (key_id, hour_ms, route, code);
ALTER TABLE ONLY public.usage_inbox
    ADD CONSTRAINT pk_usage_inbox PRIMARY KEY (seq);
ALTER TABLE ONLY public.usage_rows
    ADD CONSTRAINT pk_usage_rows PRIMARY KEY (id);
ALTER TABLE ONLY public.usage_seen
    ADD CONSTRAINT pk_usage_seen PRIMARY KEY (key_id, kind, value);
ALTER TABLE ONLY public.usage_settled
    ADD CONSTRAINT pk_usage_settled PRIMARY KEY (name);
ALTER TABLE ONLY public.usage_totals
    ADD CONSTRAINT pk_usage_totals PRIMARY KEY (key_id);
CREATE INDEX ix_usage_rows_code_id ON public.usage_rows USING btree (code, id);
CREATE INDEX ix_usage_rows_key_id_code_id ON public.usage_rows USING btree (key_id, code, id);
