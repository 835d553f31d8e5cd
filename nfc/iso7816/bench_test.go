package iso7816_test

import (
	"testing"

	"github.com/gofido/fido/nfc/iso7816"
)

// benchCommands are a SELECT, a segment of a chain and a long extended command.
var benchCommands = []struct {
	name    string
	command iso7816.Command
}{
	{"case 4S, 8 bytes", of(short, pattern(8), 256)},
	{"case 3S, 240 bytes", of(short, pattern(240), 0)},
	{"case 4E, 2000 bytes", of(extended, pattern(2000), 65536)},
}

func BenchmarkCommandAppend(b *testing.B) {
	for _, c := range benchCommands {
		b.Run(c.name, func(b *testing.B) {
			buf := make([]byte, 0, c.command.Size())
			b.SetBytes(int64(c.command.Size()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.command.Append(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, c := range benchCommands {
		b.Run(c.name, func(b *testing.B) {
			apdu, err := c.command.Append(nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(apdu)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := iso7816.Parse(apdu); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResponse(b *testing.B) {
	r := iso7816.Response{Data: pattern(256), SW: iso7816.SWNoError}
	buf := make([]byte, 0, 258)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := iso7816.ParseResponse(r.Append(buf)); err != nil {
			b.Fatal(err)
		}
	}
}

// Encoding into a buffer with room, and decoding, allocate nothing.
func TestNoAllocations(t *testing.T) {
	buf := make([]byte, 0, 3000)
	for _, c := range benchCommands {
		apdu, err := c.command.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { c.command.Append(buf) }); n != 0 {
			t.Errorf("%s: Append allocates %v times", c.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { iso7816.Parse(apdu) }); n != 0 {
			t.Errorf("%s: Parse allocates %v times", c.name, n)
		}
	}
	r := iso7816.Response{Data: pattern(256), SW: iso7816.SWNoError}
	if n := testing.AllocsPerRun(100, func() { iso7816.ParseResponse(r.Append(buf)) }); n != 0 {
		t.Errorf("a response allocates %v times", n)
	}
}
