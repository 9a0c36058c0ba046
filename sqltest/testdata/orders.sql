SET 'pipeline.name' = 'orders';
CREATE TABLE orders (user_id INT, amount DECIMAL(10,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'datagen');
CREATE TABLE users (id INT, name STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${USERS:-/nope}', 'format' = 'json');
CREATE TABLE totals (w TIMESTAMP(3), user_id INT, total DECIMAL(20,2)) WITH ('connector' = 'filesystem', 'path' = '/nope', 'format' = 'json');
CREATE TABLE counts (user_id INT, n BIGINT, PRIMARY KEY (user_id) NOT ENFORCED) WITH ('connector' = 'blackhole');
CREATE TABLE named (name STRING, amount DECIMAL(10,2)) WITH ('connector' = 'print');
EXECUTE STATEMENT SET BEGIN
INSERT INTO totals SELECT window_start, user_id, SUM(amount) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) WHERE amount < 100 GROUP BY window_start, window_end, user_id;
INSERT INTO counts SELECT user_id, COUNT(*) FROM orders GROUP BY user_id;
END;
INSERT INTO named SELECT u.name, o.amount FROM (SELECT *, PROCTIME() AS p FROM orders) AS o LEFT JOIN users FOR SYSTEM_TIME AS OF o.p AS u ON o.user_id = u.id;
