-- A PostgreSQL table, read in four parts at once, as Parquet files by day.
SET 'execution.runtime-mode' = 'batch';

CREATE TABLE payments (
  id BIGINT,
  account STRING,
  amount DECIMAL(12, 2),
  paid TIMESTAMP(3),
  tags ARRAY<STRING>,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:postgresql://127.0.0.1:39432/postgres',
  'table-name' = 'bank.payments',
  'username' = 'postgres',
  'password' = '',
  'scan.partition.column' = 'id',
  'scan.partition.num' = '4',
  'scan.partition.lower-bound' = '1',
  'scan.partition.upper-bound' = '1000'
);

CREATE TABLE files (
  id BIGINT,
  account STRING,
  amount DECIMAL(12, 2),
  paid TIMESTAMP(3),
  tags ARRAY<STRING>,
  day_of STRING
) PARTITIONED BY (day_of) WITH (
  'connector' = 'filesystem',
  'path' = '/tmp/payments',
  'format' = 'parquet'
);

INSERT INTO files SELECT id, account, amount, paid, tags, DATE_FORMAT(paid, 'yyyy-MM-dd') FROM payments;
