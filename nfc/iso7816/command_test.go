package iso7816_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gofido/fido/nfc/iso7816"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pattern returns n bytes that are not all the same.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// of returns a command with the header 01 02 03 04.
func of(form iso7816.Form, data []byte, ne int) iso7816.Command {
	return iso7816.Command{CLA: 1, INS: 2, P1: 3, P2: 4, Data: data, Ne: ne, Form: form}
}

const (
	short    = iso7816.Short
	extended = iso7816.Extended
)

// commands are commands of every case (NFC-24), with the boundaries of the
// lengths. head and tail are what stands around the data.
var commands = []struct {
	name       string
	command    iso7816.Command
	head, tail string
}{
	{"case 1", of(short, nil, 0), "01020304", ""},
	{"case 2S/least", of(short, nil, 1), "01020304", "01"},
	{"case 2S/one below the most", of(short, nil, 255), "01020304", "ff"},
	{"case 2S/most", of(short, nil, 256), "01020304", "00"},
	{"case 3S/least", of(short, pattern(1), 0), "0102030401", ""},
	{"case 3S/two", of(short, pattern(2), 0), "0102030402", ""},
	{"case 3S/most", of(short, pattern(255), 0), "01020304ff", ""},
	{"case 4S/least", of(short, pattern(1), 1), "0102030401", "01"},
	{"case 4S/Le most", of(short, pattern(1), 256), "0102030401", "00"},
	{"case 4S/most", of(short, pattern(255), 256), "01020304ff", "00"},
	{"case 2E/least", of(extended, nil, 1), "01020304 00", "0001"},
	{"case 2E/255", of(extended, nil, 255), "01020304 00", "00ff"},
	{"case 2E/256", of(extended, nil, 256), "01020304 00", "0100"},
	{"case 2E/one below the most", of(extended, nil, 65535), "01020304 00", "ffff"},
	{"case 2E/most", of(extended, nil, 65536), "01020304 00", "0000"},
	{"case 3E/least", of(extended, pattern(1), 0), "01020304 000001", ""},
	{"case 3E/two", of(extended, pattern(2), 0), "01020304 000002", ""},
	{"case 3E/255", of(extended, pattern(255), 0), "01020304 0000ff", ""},
	{"case 3E/256", of(extended, pattern(256), 0), "01020304 000100", ""},
	{"case 3E/most", of(extended, pattern(65535), 0), "01020304 00ffff", ""},
	{"case 4E/least", of(extended, pattern(1), 1), "01020304 000001", "0001"},
	{"case 4E/255", of(extended, pattern(255), 255), "01020304 0000ff", "00ff"},
	{"case 4E/256", of(extended, pattern(256), 256), "01020304 000100", "0100"},
	{"case 4E/one below the most", of(extended, pattern(65534), 65535), "01020304 00fffe", "ffff"},
	{"case 4E/most", of(extended, pattern(65535), 65536), "01020304 00ffff", "0000"},
	{"data that looks like lengths", of(short, []byte{0, 0, 0, 0}, 256), "0102030404", "00"},
}

func TestCommands(t *testing.T) {
	for _, c := range commands {
		t.Run(c.name, func(t *testing.T) {
			encoded := append(append(unhex(t, c.head), c.command.Data...), unhex(t, c.tail)...)
			got, err := c.command.Append([]byte("before"))
			if err != nil || string(got[:6]) != "before" || !bytes.Equal(got[6:], encoded) {
				t.Errorf("Append = %x, %v, want %x", got, err, encoded)
			}
			if n := c.command.Size(); n != len(encoded) {
				t.Errorf("Size = %d, want %d", n, len(encoded))
			}
			parsed, err := iso7816.Parse(encoded)
			if err != nil || !reflect.DeepEqual(parsed, c.command) {
				t.Errorf("Parse = %v, %v, want %v", parsed, err, c.command)
			}
			parsed, zeroLc, err := iso7816.ParseLenient(encoded)
			if err != nil || zeroLc || !reflect.DeepEqual(parsed, c.command) {
				t.Errorf("ParseLenient = %v, %v, %v, want %v", parsed, zeroLc, err, c.command)
			}
		})
	}
}

// An extended command without data and without Le has no length to show its
// form.
func TestCommandWithoutLengths(t *testing.T) {
	got, err := of(extended, nil, 0).Append(nil)
	if err != nil || hex.EncodeToString(got) != "01020304" {
		t.Errorf("Append = %x, %v", got, err)
	}
}

func TestAppendOutOfRange(t *testing.T) {
	for _, c := range []struct {
		name    string
		command iso7816.Command
		want    iso7816.RangeError
	}{
		{"short/data", of(short, pattern(256), 0), iso7816.RangeError{Member: "Data", Value: 256, Max: 255}},
		{"short/Ne", of(short, nil, 257), iso7816.RangeError{Member: "Ne", Value: 257, Max: 256}},
		{"short/negative Ne", of(short, nil, -1), iso7816.RangeError{Member: "Ne", Value: -1, Max: 256}},
		{"extended/data", of(extended, pattern(65536), 0), iso7816.RangeError{Member: "Data", Value: 65536, Max: 65535, Form: extended}},
		{"extended/Ne", of(extended, nil, 65537), iso7816.RangeError{Member: "Ne", Value: 65537, Max: 65536, Form: extended}},
		{"unknown form", of(2, nil, 0), iso7816.RangeError{Member: "Form", Value: 2, Max: 1, Form: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := c.command.Append([]byte("before"))
			bad, ok := errors.AsType[*iso7816.RangeError](err)
			if !ok || *bad != c.want || b != nil {
				t.Errorf("Append = %x, %v, want %v", b, err, &c.want)
			}
		})
	}
}

func TestParseMalformed(t *testing.T) {
	for _, c := range []struct {
		name, apdu string
		want       iso7816.Problem
	}{
		{"empty", "", iso7816.NoHeader},
		{"header cut short", "010203", iso7816.NoHeader},
		{"short/no data", "01020304 0201", iso7816.DataTooShort},
		{"short/one byte missing", "01020304 03aabb", iso7816.DataTooShort},
		{"short/Le of two bytes", "01020304 01aa0000", iso7816.DataTooLong},
		{"short/Lc of zero", "01020304 0000", iso7816.ZeroLc},
		{"extended/one byte missing", "01020304 000003aabb", iso7816.DataTooShort},
		{"extended/Le of one byte", "01020304 000001aa00", iso7816.DataTooLong},
		{"extended/Le of three bytes", "01020304 000001aa000000", iso7816.DataTooLong},
		{"extended/most data, none there", "01020304 00ffff00", iso7816.DataTooShort},
		{"extended/Lc of zero", "01020304 000000 0000", iso7816.ZeroLc},
		{"extended/Lc of zero, half an Le", "01020304 000000 00", iso7816.ZeroLc},
		{"extended/Lc of zero, data", "01020304 000000 aabbcc", iso7816.ZeroLc},
	} {
		t.Run(c.name, func(t *testing.T) {
			apdu := unhex(t, c.apdu)
			got, err := iso7816.Parse(apdu)
			bad, ok := errors.AsType[*iso7816.SyntaxError](err)
			if !ok || *bad != (iso7816.SyntaxError{Problem: c.want, Len: len(apdu)}) {
				t.Errorf("Parse = %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestParseLenient(t *testing.T) {
	for _, c := range []struct {
		name, apdu string
		zeroLc     bool
		want       iso7816.Command
	}{
		{"U2F VERSION/case 1", "00030000", false, iso7816.Command{INS: 3}},
		{"U2F VERSION/case 2S", "0003000000", false, iso7816.Command{INS: 3, Ne: 256}},
		{"U2F VERSION/case 2E", "00030000000000", false, iso7816.Command{INS: 3, Ne: 65536, Form: extended}},
		{"U2F VERSION/Lc of zero, as python-fido2 sends it", "00030000 000000 0000", true, iso7816.Command{INS: 3, Ne: 65536, Form: extended}},
		{"short/Lc of zero, as libfido2 would send it", "80110000 0000", true, iso7816.Command{CLA: 0x80, INS: 0x11, Ne: 256}},
		{"short/Lc of zero, Le not", "80110000 0010", true, iso7816.Command{CLA: 0x80, INS: 0x11, Ne: 16}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, zeroLc, err := iso7816.ParseLenient(unhex(t, c.apdu))
			if err != nil || zeroLc != c.zeroLc || !reflect.DeepEqual(got, c.want) {
				t.Errorf("ParseLenient = %v, %v, %v, want %v, %v", got, zeroLc, err, c.want, c.zeroLc)
			}
		})
	}
	for _, apdu := range []string{"", "010203", "01020304 03aabb", "01020304 01aa0000", "01020304 000000 00", "01020304 000000 aabbcc"} {
		t.Run("malformed/"+apdu, func(t *testing.T) {
			if c, zeroLc, err := iso7816.ParseLenient(unhex(t, apdu)); err == nil {
				t.Errorf("ParseLenient = %v, %v", c, zeroLc)
			}
		})
	}
}

func TestParsedDataCannotGrowIntoTheRest(t *testing.T) {
	apdu := unhex(t, "01020304 01aa 05")
	c, err := iso7816.Parse(apdu)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(c.Data, 0xff)
	if apdu[6] != 5 {
		t.Error("appending to Data overwrites Le")
	}
}

func TestCommandString(t *testing.T) {
	for _, c := range []struct {
		value fmt.Stringer
		want  string
	}{
		{of(short, []byte("secret"), 256), "01 02 03 04, 6 bytes, Ne 256, short"},
		{of(extended, nil, 0), "01 02 03 04, 0 bytes, Ne 0, extended"},
		{iso7816.Form(7), "form 7"},
	} {
		if got := c.value.String(); got != c.want {
			t.Errorf("String = %q, want %q", got, c.want)
		}
	}
}
