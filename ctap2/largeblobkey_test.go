package ctap2_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
)

// A largeBlobKey shows in no print of the responses that hold it.
func TestLargeBlobKeyIsRedacted(t *testing.T) {
	key := bytes.Repeat([]byte{0xab}, ctap2.LargeBlobKeySize)
	r, err := ctap2.ParseGetAssertionResponse(with(t, vector(t, "getAssertion reply")[1:], 7, "5820"+strings.Repeat("ab", 32)))
	if err != nil || !bytes.Equal(r.LargeBlobKey, key) {
		t.Fatalf("%x, %v", []byte(r.LargeBlobKey), err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("reply", "key", r.LargeBlobKey, "raw", r.Raw)
	for name, s := range map[string]string{
		"%v": fmt.Sprintf("%v", r), "%+v": fmt.Sprintf("%+v", r), "%#v": fmt.Sprintf("%#v", r),
		"%x of the key": fmt.Sprintf("%x", r.LargeBlobKey), "slog": log.String(),
	} {
		for _, secret := range []string{"171 171", "0xab, 0xab", "abab", `\xab`} {
			if strings.Contains(strings.ToLower(s), secret) {
				t.Errorf("%s shows the key: %s", name, s)
			}
		}
		if !strings.Contains(s, "redacted") {
			t.Errorf("%s does not say that the key is left out: %s", name, s)
		}
	}
	if s := fmt.Sprintf("%x", r.Raw); !strings.Contains(s, "abab") {
		t.Errorf("%%x of the reply: %s", s)
	}
	if s := fmt.Sprintf("%v", ctap2.RawReply{1, 2}); s != "reply of 2 bytes" {
		t.Error(s)
	}
}
