DROP SCHEMA IF EXISTS bank CASCADE;
CREATE SCHEMA bank;
CREATE TABLE bank.payments (id BIGINT PRIMARY KEY, account TEXT, amount NUMERIC(12, 2), paid TIMESTAMP(3), tags TEXT[]);
INSERT INTO bank.payments
SELECT i, 'account ' || i % 20, (i * 37 % 10000) / 100.0, TIMESTAMP '2024-05-01' + i * INTERVAL '4 minutes', ARRAY['t' || i % 3, 'all']
FROM generate_series(1, 1000) i;
