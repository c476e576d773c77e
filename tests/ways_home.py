"""Addresses that lead into one's own machine, or hide that they do."""

#: PORT is where the canary listens, HERE a host that is permitted.
WAYS_HOME = """
http://localhost:PORT/ http://LOCALHOST:PORT/ http://localhost.:PORT/ http://127.0.0.1:PORT/
http://127.1:PORT/ http://127.0.1:PORT/ http://127.0.0.1.:PORT/ http://127.000.000.001:PORT/
http://0177.0.0.1:PORT/ http://0177.1:PORT/ http://0x7f.0.0.1:PORT/ http://0x7f.1:PORT/
http://0x7f000001:PORT/ http://0X7F000001:PORT/ http://2130706433:PORT/ http://017700000001:PORT/
http://0:PORT/ http://0.0.0.0:PORT/ http://00:PORT/ http://0x0:PORT/ http://127.8.8.8:PORT/
http://[::1]:PORT/ http://[::]:PORT/ http://[0:0:0:0:0:0:0:1]:PORT/ http://[::127.0.0.1]:PORT/
http://[::ffff:127.0.0.1]:PORT/ http://[::ffff:7f00:1]:PORT/ http://[::ffff:0:127.0.0.1]:PORT/
http://[64:ff9b::127.0.0.1]:PORT/ http://[2002:7f00:1::]:PORT/ http://[::1%25lo]:PORT/
http://[fe80::1%25lo]:PORT/ http://[fe80::1%lo]:PORT/ http://[::ffff:0x7f.1]:PORT/
http://%31%32%37.0.0.1:PORT/ http://127%2e0%2e0%2e1:PORT/ http://loc%61lhost:PORT/
http://\u2460\u2461\u2466.0.0.1:PORT/ http://127\u30020\u30020\u30021:PORT/
http://\uff11\uff12\uff17.0.0.1:PORT/ http://\u24dbocalhost:PORT/ http://loc\u00adalhost:PORT/
http://HERE:PORT@127.0.0.1:PORT/ http://127.0.0.1:PORT\\@HERE:PORT/ http://HERE:PORT\\@127.0.0.1:PORT/
http://HERE@127.0.0.1:PORT/ http://HERE:80@localhost:PORT/ http://127.0.0.1:PORT#@HERE:PORT/
http://HERE#@127.0.0.1:PORT/ http://localhost:PORT?@HERE/ http://@127.0.0.1:PORT/ http://:@[::1]:PORT/
http:///127.0.0.1:PORT/ http:/127.0.0.1:PORT/ http:127.0.0.1:PORT/
//127.0.0.1:PORT/ ///127.0.0.1:PORT/
\\\\127.0.0.1:PORT\\ http:\\\\127.0.0.1:PORT\\ HTTP://127.0.0.1:PORT/ https://127.0.0.1:PORT/
ftp://127.0.0.1:PORT/ ws://127.0.0.1:PORT/ unix:///tmp/x file://127.0.0.1/etc/passwd
data:text/xml,<rss/>
http://127.0.0.1:0PORT/ http://127.0.0.1:+PORT/ http://localhost:PORT:80/ http://169.254.169.254:PORT/
"""
