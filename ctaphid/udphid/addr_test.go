package udphid_test

import (
	"fmt"
	"testing"

	"github.com/gofido/fido/ctaphid/udphid"
)

func addr(host string, port, local uint16) udphid.Addr {
	return udphid.Addr{Host: host, Port: port, LocalPort: local}
}

func TestParseAddr(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want udphid.Addr
	}{
		{"", addr("127.0.0.1", 8111, 7112)},
		{"localhost", addr("localhost", 8111, 7112)},
		{"localhost:9000", addr("localhost", 9000, 7112)},
		{"127.0.0.1:8111:0", addr("127.0.0.1", 8111, 0)},
		{"10.0.0.1:65535:65535", addr("10.0.0.1", 65535, 65535)},
		{":9000", addr("127.0.0.1", 9000, 7112)},
		{"[::1]", addr("::1", 8111, 7112)},
		{"[::1]:9000", addr("::1", 9000, 7112)},
		{"[fe80::1%eth0]:9000:7", addr("fe80::1%eth0", 9000, 7)},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := udphid.ParseAddr(tt.in)
			if err != nil || got != tt.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, tt.want)
			}
			if again, err := udphid.ParseAddr(got.String()); err != nil || again != got {
				t.Errorf("%s is read as %+v, %v", got, again, err)
			}
		})
	}
}

func TestParseAddrRefused(t *testing.T) {
	for _, in := range []string{
		"::1", "[::1", "::1]:8111", "[::1]8111", "[[::1]]", "host:", "host:0", "host:65536", "host:-1", "host:http",
		"host:8111:", "host:8111:65536", "host:8111:7112:1", "a b:8111", "udp://host:8111",
	} {
		if got, err := udphid.ParseAddr(in); err == nil {
			t.Errorf("%q is read as %+v", in, got)
		}
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"", "localhost:9000", "[::1]:8111:7112", "[::1", "host:8111:7112:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := udphid.ParseAddr(s)
		if err != nil {
			return
		}
		if again, err := udphid.ParseAddr(a.String()); err != nil || again != a {
			t.Fatalf("%q is %+v, which reads as %+v, %v", s, a, again, err)
		}
	})
}

func ExampleParseAddr() {
	a, err := udphid.ParseAddr("[::1]:8111")
	fmt.Println(a.Host, a.Port, a.LocalPort, err)
	// Output: ::1 8111 7112 <nil>
}
