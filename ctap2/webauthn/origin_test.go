package webauthn

import "testing"

func TestParseOrigin(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		err      error
	}{
		"https":                             {in: "https://example.com", want: "https://example.com"},
		"port":                              {in: "https://example.com:8443", want: "https://example.com:8443"},
		"default port/left out":             {in: "https://example.com:443", want: "https://example.com"},
		"port with zeros/canonical":         {in: "https://example.com:008443", want: "https://example.com:8443"},
		"upper case/lower":                  {in: "HTTPS://Login.EXAMPLE.com", want: "https://login.example.com"},
		"other script/A-labels":             {in: "https://Bücher.example", want: "https://xn--bcher-kva.example"},
		"sharp s/not two":                   {in: "https://faß.example", want: "https://xn--fa-hia.example"},
		"A-labels/kept":                     {in: "https://xn--bcher-kva.example", want: "https://xn--bcher-kva.example"},
		"ideographic full stop/dot":         {in: "https://example。com", want: "https://example.com"},
		"underscore/as in browsers":         {in: "https://my_site.example.com", want: "https://my_site.example.com"},
		"two hyphens/as in browsers":        {in: "https://r3---sn.example.com", want: "https://r3---sn.example.com"},
		"single label/as in browsers":       {in: "https://intranet", want: "https://intranet"},
		"localhost":                         {in: "https://localhost", want: "https://localhost"},
		"localhost without TLS":             {in: "http://localhost:8080", want: "http://localhost:8080"},
		"localhost without TLS, port 80":    {in: "http://localhost:80", want: "http://localhost"},
		"below localhost without TLS":       {in: "http://app.localhost", want: "http://app.localhost"},
		"digits in front/a domain":          {in: "https://1.2.3.4.example.com", want: "https://1.2.3.4.example.com"},
		"without TLS/refused":               {in: "http://example.com", err: errInsecure},
		"not localhost/refused":             {in: "http://notlocalhost", err: errInsecure},
		"localhost in front/refused":        {in: "http://localhost.example.com", err: errInsecure},
		"other scheme/refused":              {in: "ftp://example.com", err: errInsecure},
		"WebSocket/refused":                 {in: "wss://example.com", err: errInsecure},
		"file/refused":                      {in: "file:///etc/passwd", err: errInsecure},
		"app/refused":                       {in: "android:apk-key-hash:AAAA", err: errNotOrigin},
		"opaque/refused":                    {in: "null", err: errNotOrigin},
		"empty/refused":                     {in: "", err: errNotOrigin},
		"no scheme/refused":                 {in: "example.com", err: errNotOrigin},
		"no host/refused":                   {in: "https://", err: errDomain},
		"no host but port/refused":          {in: "https://:443", err: errDomain},
		"slash/refused":                     {in: "https://example.com/", err: errNotOrigin},
		"path/refused":                      {in: "https://example.com/login", err: errNotOrigin},
		"query/refused":                     {in: "https://example.com?x", err: errNotOrigin},
		"fragment/refused":                  {in: "https://example.com#x", err: errNotOrigin},
		"user/refused":                      {in: "https://user@example.com", err: errNotOrigin},
		"user and password/refused":         {in: "https://user:1@example.com", err: errNotOrigin},
		"user that looks like host/refused": {in: "https://example.com@evil.example", err: errNotOrigin},
		"backslash/refused":                 {in: `https://example.com\.evil.example`, err: errNotOrigin},
		"percent/refused":                   {in: "https://ex%61mple.com", err: errNotOrigin},
		"blank in front/refused":            {in: " https://example.com", err: errInsecure},
		"blank behind/refused":              {in: "https://example.com ", err: errDomain},
		"blank inside/refused":              {in: "https://exa mple.com", err: errDomain},
		"newline/refused":                   {in: "https://example.com\n", err: errDomain},
		"NUL/refused":                       {in: "https://example.com\x00", err: errDomain},
		"wildcard/refused":                  {in: "https://*.example.com", err: errDomain},
		"empty port/refused":                {in: "https://example.com:", err: errNotOrigin},
		"signed port/refused":               {in: "https://example.com:+443", err: errNotOrigin},
		"port zero/refused":                 {in: "https://example.com:0", err: errNotOrigin},
		"port too high/refused":             {in: "https://example.com:65536", err: errNotOrigin},
		"two ports/refused":                 {in: "https://example.com:1:2", err: errNotOrigin},
		"trailing dot/refused":              {in: "https://example.com.", err: errTrailingDot},
		"dot alone/refused":                 {in: "https://.", err: errTrailingDot},
		"empty label/refused":               {in: "https://example..com", err: errDomain},
		"leading dot/refused":               {in: "https://.example.com", err: errDomain},
		"IPv4/refused":                      {in: "https://192.0.2.1", err: errIPAddress},
		"IPv4 with port/refused":            {in: "https://192.0.2.1:8443", err: errIPAddress},
		"IPv4 loopback without TLS/refused": {in: "http://127.0.0.1:8080", err: errIPAddress},
		"IPv4 short/refused":                {in: "https://127.1", err: errIPAddress},
		"IPv4 as a number/refused":          {in: "https://2130706433", err: errIPAddress},
		"IPv4 hexadecimal/refused":          {in: "https://0x7f.0.0.0x1", err: errIPAddress},
		"IPv4 in wide digits/refused":       {in: "https://１２７.0.0.１", err: errIPAddress},
		"IPv6/refused":                      {in: "https://[2001:db8::1]", err: errIPAddress},
		"IPv6 loopback with port/refused":   {in: "http://[::1]:8080", err: errIPAddress},
		"bad punycode/refused":              {in: "https://xn--a.example", err: errDomain},
		"label of 64/refused":               {in: "https://" + repeat("a", 64) + ".com", err: errDomain},
		"domain of 254/refused":             {in: "https://" + repeat("aaaa.", 50) + "comm", err: errDomain},
		"domain of 253":                     {in: "https://" + repeat("aaaa.", 50) + "com", want: "https://" + repeat("aaaa.", 50) + "com"},
		"endless/refused":                   {in: "https://" + repeat("a.", 1<<20), err: errNotOrigin},
		"bidirectional trick/refused":       {in: "https://\u202eexample.com", err: errDomain},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOrigin(c.in)
			if err != c.err {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if err == nil && o.String() != c.want {
				t.Errorf("%s, want %s", o, c.want)
			}
		})
	}
}
