package webauthn

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestClientDataVectors compares client data with the specification's. Some of it
// has a member more, which tells verifiers to expect any.
func TestClientDataVectors(t *testing.T) {
	for _, v := range vectors(t) {
		for ceremony, of := range map[Ceremony]struct {
			challenge []byte
			want      string
		}{
			Registration:   {v.CreateChallenge, v.CreateClientDataJSON},
			Authentication: {v.GetChallenge, v.GetClientDataJSON},
		} {
			var members struct {
				CrossOrigin bool
				TopOrigin   string
			}
			if err := json.Unmarshal([]byte(of.want), &members); err != nil {
				t.Fatal(err)
			}
			data := ClientData{ceremony, of.challenge, "https://example.org", members.CrossOrigin, members.TopOrigin}
			want, _, _ := strings.Cut(of.want, `,"extraData":`)
			if got := string(data.Append(nil)); strings.TrimSuffix(got, "}") != strings.TrimSuffix(want, "}") {
				t.Errorf("%s: %s\n got %s\nwant %s", v.Name, ceremony, got, want)
			}
		}
	}
}

// TestCCDToString has what the algorithm escapes, and what encoding/json does too.
func TestCCDToString(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":                       {"https://example.org", `"https://example.org"`},
		"quote and backslash":         {`a"b\c`, `"a\"b\\c"`},
		"control characters":          {"\x00\t\n\x1f", `"\u0000\u0009\u000a\u001f"`},
		"delete stays":                {"\x7f", "\"\x7f\""},
		"markup stays":                {"<&>\u2028", "\"<&>\u2028\""},
		"other scripts stay":          {"bücher.例え.😀", `"bücher.例え.😀"`},
		"what is not UTF-8 is marked": {"a\xffb", "\"a\ufffdb\""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(appendCCD(nil, c.in)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			var back string
			if err := json.Unmarshal([]byte(c.want), &back); err != nil || back != strings.ToValidUTF8(c.in, "\ufffd") {
				t.Errorf("as JSON it is %q, %v", back, err)
			}
		})
	}
}
