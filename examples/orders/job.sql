-- Revenue per customer in each ten minutes of event time. Rows may come up to five
-- seconds late.
CREATE TABLE orders (
  order_id BIGINT,
  customer STRING,
  amount DECIMAL(10, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'examples/orders/orders.json', 'format' = 'json');

SELECT window_start, customer, COUNT(*) AS orders, SUM(amount) AS revenue
FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' MINUTES)
GROUP BY window_start, window_end, customer;
