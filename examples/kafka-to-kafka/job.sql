-- 1. A topic of orders, as some other program would write it.
CREATE TABLE generated (
  order_id BIGINT, customer INT, amount DECIMAL(10, 2), seconds INT
) WITH (
  'connector' = 'datagen', 'number-of-rows' = '100000', 'rows-per-second' = '1000000',
  'fields.order_id.kind' = 'sequence', 'fields.order_id.start' = '1', 'fields.order_id.end' = '100000',
  'fields.customer.min' = '1', 'fields.customer.max' = '20',
  'fields.amount.min' = '1', 'fields.amount.max' = '500',
  'fields.seconds.min' = '0', 'fields.seconds.max' = '5'
);

CREATE TABLE orders (
  order_id BIGINT,
  customer INT,
  amount DECIMAL(10, 2),
  ordered TIMESTAMP(3),
  WATERMARK FOR ordered AS ordered - INTERVAL '10' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'properties.bootstrap.servers' = '127.0.0.1:39092',
  'key.format' = 'json', 'key.fields' = 'customer',
  'value.format' = 'json',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset'  -- ends where the topic does now; leave it out for a job that runs on
);

-- One order each 100 ms, up to five seconds out of order.
INSERT INTO orders
SELECT order_id, customer, amount, TIMESTAMPADD(SECOND, CAST(order_id / 10 AS INT) - seconds, TIMESTAMP '2026-01-01 09:00:00')
FROM generated;

-- 2. The job: what each customer orders a minute, exactly once into another topic. It is killed and started again as often as you like.
CREATE TABLE per_minute (
  customer INT,
  minute_start TIMESTAMP(3),
  orders BIGINT,
  amount DECIMAL(38, 2)
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders-per-minute',
  'properties.bootstrap.servers' = '127.0.0.1:39092',
  'key.format' = 'json', 'key.fields' = 'customer',
  'value.format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'orders-per-minute',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'properties.isolation.level' = 'read_committed'
);

INSERT INTO per_minute
SELECT customer, window_start, COUNT(*), SUM(amount)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '1' MINUTE))
GROUP BY customer, window_start, window_end;

-- 3. What came out. Each run adds 100000 orders to the topic, and the sums of all of them to the other.
SELECT COUNT(DISTINCT customer) AS customers, COUNT(DISTINCT minute_start) AS minutes, SUM(orders) AS orders FROM per_minute;
