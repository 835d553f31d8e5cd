//go:build guest

package libfido2

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// fido2-token enrols, lists, names and removes fingerprints, as our client sees
// them; then the key verifies its user by them.
func TestTokenFingerprints(t *testing.T) {
	key := newManagedKey(t, guest.UHID, virtual.Config{UV: virtual.FingerprintUV, Fingerprints: virtual.Fingerprints{Samples: 3}})
	check := func(names ...string) []ctap2.TemplateInfo {
		t.Helper()
		enrolled := ours.Fingerprints(t, key, pin)
		var got, want []string
		for i, f := range enrolled {
			name := f.TemplateFriendlyName
			got = append(got, name)
			if name == "" {
				name = "(null)"
			}
			want = append(want, fmt.Sprintf("%02d: %s %s", i, blob(f.TemplateID), name))
		}
		if !slices.Equal(got, names) {
			t.Errorf("our client lists %q, want %q", got, names)
		}
		if len(want) == 0 {
			// The specification has a key say so by a status, which the tool passes on.
			if _, said, err := try(t, pin+"\n", "fido2-token", "-L", "-e", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_INVALID_OPTION") {
				t.Errorf("no fingerprints: %v: %s", err, said)
			}
		} else if got := run(t, pin+"\n", "fido2-token", "-L", "-e", key.Path); !slices.Equal(got, want) {
			t.Errorf("the tool lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return enrolled
	}
	enrol := func() {
		t.Helper()
		if got, want := run(t, pin+"\n", "fido2-token", "-S", "-e", key.Path), []string{
			"Touch your security key.", "Sample ok.",
			"Touch your security key (2 samples left).", "Sample ok.",
			"Touch your security key (1 sample left).", "Sample ok.",
		}; !slices.Equal(got, want) {
			t.Errorf("the tool says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if got := tokenSays(t, key, "sensor type: "); got != "1 (touch)" {
		t.Errorf("the sensor is %q", got)
	}
	if got := tokenSays(t, key, "max samples: "); got != "3" {
		t.Errorf("the most samples are %q", got)
	}
	check()
	enrol()
	first := check("")[0]
	enrol()
	second := check("", "")[1]
	run(t, pin+"\n", "fido2-token", "-S", "-e", "-i", blob(first.TemplateID), "-n", "thumb", key.Path)
	run(t, pin+"\n", "fido2-token", "-S", "-e", "-i", blob(second.TemplateID), "-n", "Zeigefinger", key.Path)
	check("thumb", "Zeigefinger")
	if _, said, err := try(t, pin+"\n", "fido2-token", "-S", "-e", "-i", blob(first.TemplateID), "-n", "a name of more than fifteen bytes", key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_INVALID_LENGTH") {
		t.Errorf("a name that is too long: %v: %s", err, said)
	}

	// With a finger enrolled no PIN is asked for.
	made := run(t, "", "fido2-cred", "-M", "-v", "-q", "-i", file(t, blob(createHash[:]), rpID, "ada", blob([]byte(userID))), key.Path)
	verified := run(t, "", "fido2-cred", "-V", "-v", "-i", file(t, made...))
	got := run(t, "", "fido2-assert", "-G", "-t", "uv=true", "-i", file(t, blob(getHash[:]), rpID, made[4]), key.Path)
	run(t, "", "fido2-assert", "-V", "-p", "-v", "-i", file(t, got[:4]...), file(t, verified[1:]...))

	run(t, pin+"\n", "fido2-token", "-D", "-e", "-i", blob(first.TemplateID), key.Path)
	check("Zeigefinger")
	if _, said, err := try(t, pin+"\n", "fido2-token", "-D", "-e", "-i", blob(first.TemplateID), key.Path); err == nil || !strings.Contains(said, "FIDO_ERR_INVALID_OPTION") {
		t.Errorf("removing it again: %v: %s", err, said)
	}
	run(t, pin+"\n", "fido2-token", "-D", "-e", "-i", blob(second.TemplateID), key.Path)
	check()
	if uv := ours.Info(t, key).Options[ctap2.OptionUV]; uv {
		t.Error("without fingerprints the key still has user verification configured")
	}
}
