-- The change stream of a MySQL table as a compacted Kafka topic: the key, and the row or a tombstone.
CREATE TABLE orders (
  id BIGINT,
  customer STRING,
  amount DECIMAL(10, 2),
  created TIMESTAMP(3),
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'mysql-cdc',
  'hostname' = '127.0.0.1',
  'port' = '39308',
  'username' = 'root',
  'password' = '',
  'database-name' = 'shop',
  'table-name' = 'orders',
  'server-id' = '5401'
);

CREATE TABLE latest (
  id BIGINT,
  customer STRING,
  amount DECIMAL(10, 2),
  created TIMESTAMP(3),
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'shop-orders-latest',
  'properties.bootstrap.servers' = '127.0.0.1:39092',
  'key.format' = 'json',
  'value.format' = 'json'
);

INSERT INTO latest SELECT id, customer, amount, created FROM orders;
