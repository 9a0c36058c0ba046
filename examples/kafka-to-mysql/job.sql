-- 1. A topic of orders, as some other program would write it.
CREATE TABLE generated (order_id BIGINT, customer INT, amount DECIMAL(10, 2)) WITH (
  'connector' = 'datagen', 'number-of-rows' = '10000', 'rows-per-second' = '1000000',
  'fields.order_id.kind' = 'sequence', 'fields.order_id.start' = '1', 'fields.order_id.end' = '10000',
  'fields.customer.min' = '1', 'fields.customer.max' = '6',
  'fields.amount.min' = '1', 'fields.amount.max' = '500'
);

CREATE TABLE orders (
  order_id BIGINT,
  customer INT,
  amount DECIMAL(10, 2),
  seen AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = 'shop-orders',
  'properties.bootstrap.servers' = '127.0.0.1:39092',
  'format' = 'json',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset'  -- ends where the topic does now; leave it out for a job that runs on
);

INSERT INTO orders SELECT * FROM generated;

-- 2. The job: each order is joined with its customer as MySQL has it at that moment, and a table in MySQL holds what each country has spent.
CREATE TABLE customers (
  id INT,
  name STRING,
  country STRING
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:mysql://127.0.0.1:39308/shop',
  'username' = 'root', 'password' = '',
  'table-name' = 'customers',
  'lookup.cache' = 'PARTIAL',
  'lookup.partial-cache.max-rows' = '10000',
  'lookup.partial-cache.expire-after-write' = '1 min'
);

CREATE TABLE revenue (
  country STRING,
  orders BIGINT,
  amount DECIMAL(18, 2),
  PRIMARY KEY (country) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = 'jdbc:mysql://127.0.0.1:39308/shop',
  'username' = 'root', 'password' = '',
  'table-name' = 'revenue'
);

INSERT INTO revenue
SELECT c.country, COUNT(*), CAST(SUM(o.amount) AS DECIMAL(18, 2))
FROM orders AS o JOIN customers FOR SYSTEM_TIME AS OF o.seen AS c ON o.customer = c.id
GROUP BY c.country;

-- 3. What MySQL has now: three countries, and all orders of the topic.
SELECT COUNT(*) AS countries, SUM(orders) AS orders FROM revenue;
