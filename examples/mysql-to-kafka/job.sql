-- The change stream of a MySQL table, as Debezium messages in a Kafka topic.
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

CREATE TABLE changes (
  id BIGINT,
  customer STRING,
  amount DECIMAL(10, 2),
  created TIMESTAMP(3)
) WITH (
  'connector' = 'kafka',
  'topic' = 'shop.orders',
  'properties.bootstrap.servers' = '127.0.0.1:39092',
  'format' = 'debezium-json'
);

INSERT INTO changes SELECT id, customer, amount, created FROM orders;
