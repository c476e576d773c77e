"""What every manifest and most parts look like: deflate starts from here and stores the rest.

Stored bodies cannot be read without these very bytes. They never change; a better dictionary is one
more constant, tried after this one.
"""

SKELETON = (
    b'{"parts":["","{"seen":{"events":[{"actual":"","currency":"USD","forecast":"","impact":"high",'
    b'"previous":"","time":"2026-01-01T12:30:00Z","title":"}],"known_until":"2026-01-01T00:00:00Z"}}'
    b'{"seen":{"c":[-1,-2,-10],"d":2,"h":[0,1,10],"l":[0,1,10],"o":[0,-1,1],"t":[1760000000,60,60,300'
    b',300,900,900,14400,14400,3600,3600,7200],"v":[0,100]}}'
    b'{"parts":{"calendar":"","candles":"","frames":["",""],"instrument":"","news":"","settings":"",'
    b'"strategies":""},"seen":{"account":{"balance":"10000.00","captured_at":"2026-01-01T00:00:00Z",'
    b'"currency":"USD","equity":"10000.00","id":"paper-1","margin_free":"10000.00","margin_used":'
    b'"0.00","open_profit":"0.00"},"calendar":null,"candles":[{"c":[],"d":5,"h":[],"l":[],"o":[],"t":'
    b"[,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,"
    b'3600,3600,3600,3600,3600,3600],"v":[]},{"c":[-],"d":3,"h":[],"l":[],"o":[],"t":[],"v":[]}],'
    b'"control":{"changed_at":"2026-01-01T00:00:00Z","changed_by":"system","mode":"supervised",'
    b'"paused_symbols":[],"reason":"","state":"running","version":1},"day":{"account_id":"paper-1",'
    b'"day":"2026-01-01","peak_equity":"10000.00","start_equity":"10000.00"},"frames":[],"indicators":'
    b'{"adx_14":"20.00","atr_14":"0.00","bb_high":"1.","bb_low":"1.","bb_mid":"1.","ema_20":"1.",'
    b'"ema_50":"1.","macd":"0.00","macd_hist":"-0.000","macd_signal":"-0.000","rsi_14":"50.00",'
    b'"sma_200":"1.","sma_50":"1.","swing_high":"1.","swing_low":"1.","vwap":"1."},"indicators_before":'
    b'{"adx_14":"20.","atr_14":"0.0010","bb_high":"1.1","bb_low":"1.1","bb_mid":"1.1","ema_20":"1.1",'
    b'"ema_50":"1.1","macd":"0.000","macd_hist":"0.0000","macd_signal":"0.000","rsi_14":"4","sma_200":'
    b'"1.1","sma_50":"1.1","swing_high":"1.1","swing_low":"1.1","vwap":null},"instant":"2026-01-01T'
    b'00:00:00Z","news":[],"orders":[{"client_id":"at-","created_at":"2026-01-01T00:00:00Z",'
    b'"direction":"buy","state":"sending","strategy_id":"","symbol":"EURUSD","volume":"0.10"}],'
    b'"positions":[{"client_id":"at-","direction":"sell","entry_price":"1.","id":"","opened_at":'
    b'"2026-01-01T00:00:00Z","profit":"-0.00","stop_loss":"1.","strategy_id":"","symbol":"EURUSD",'
    b'"take_profit":"1.","volume":"0.10"}],"orders":[],"positions":[],"quote":{"ask":"1.","bid":"1.",'
    b'"time":"2026-01-01T00:00:00Z"},"quote_rate":"1","recent":[{"at":"2026-01-01T00:00:00Z",'
    b'"direction":"buy","id":"","strategy_id":"","symbol":"EURUSD"}],"recent":[],"schema":2,'
    b'"settings_version":1,"symbol":"EURUSD","timeframe":"H1"}}'
)
