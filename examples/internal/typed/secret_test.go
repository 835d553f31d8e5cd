package typed

import (
	"io"
	"strings"
	"testing"
)

func TestSecretLine(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
		err            error
	}{
		{"a line", "secret\nrest", "secret", nil},
		{"a line of Windows", "secret\r\n", "secret", nil},
		{"an empty line", "\n", "", nil},
		{"backspace takes a character", "12\u00e93\x7f\x7f4\r", "124", nil},
		{"Ctrl-U takes all", "wrong\x15right\r", "right", nil},
		{"Ctrl-C", "12\x03", "", ErrInterrupted},
		{"Ctrl-D", "\x04", "", io.EOF},
		{"no end of the line", "12", "12", nil},
		{"nothing", "", "", io.EOF},
		{"too long", strings.Repeat("1", 10000) + "\n", strings.Repeat("1", 100), nil},
	} {
		got, err := secretLine(strings.NewReader(test.in), 100)
		if string(got) != test.want || err != test.err {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}
