package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/gofido/fido/examples/internal/site"
)

// describe says in words what the site has learned.
func (t *trySite) describe(r *site.Report) {
	fmt.Fprintf(t.folded(t.out), "What the site sees:\n")
	var seen layout.Table
	row := func(name, format string, args ...any) {
		seen.Add(name, hid.Text(fmt.Sprintf(format, args...)))
	}
	row("credential", "%s, signs with %v", beginning(r.CredentialID), cose.Algorithm(r.PublicKeyAlgorithm))
	if g := r.Registration; g != nil {
		row("passkey", "%s", discoverableWords(g.Discoverable))
	} else if len(r.UserHandle) > 0 {
		row("user handle", "%s, which says whose the credential is", beginning(r.UserHandle))
	} else {
		row("user handle", "none: the key does not say whose the credential is")
	}
	row("you", "%s", userWords(r.Flags))
	row("backup", "%s", backupWords(r.Flags))
	row("counter", "%s", counterWords(r))
	if g := r.Registration; g != nil {
		row("model", "%s", modelWords(g.AAGUID))
		row("attestation", "%s", attestationWords(g))
		row("reached by", "%s", strings.Join(g.Transports, ", "))
	}
	for _, e := range extensionRows(r) {
		row(e[0], "%s", e[1])
	}
	t.printTable(seen, "  ")
}

// beginning is enough of an ID to tell it from others.
func beginning(id []byte) string {
	return fmt.Sprintf("%x… (%d bytes)", id[:min(8, len(id))], len(id))
}

func discoverableWords(d *bool) string {
	switch {
	case d == nil:
		return "the key does not tell whether it is one"
	case *d:
		return "yes, stored on the key: it is found without a user name"
	}
	return "no, the site has to name the credential when you log in"
}

func userWords(f site.Flags) string {
	return fmt.Sprintf("%s (UP %d), %s (UV %d)",
		map[bool]string{true: "were there", false: "did nothing"}[f.UP], bit(f.UP),
		map[bool]string{true: "and proved it with the PIN or a fingerprint", false: "without proof that it was you"}[f.UV], bit(f.UV))
}

func backupWords(f site.Flags) string {
	words := "the credential can't leave the key"
	switch {
	case f.BS:
		words = "the credential is backed up elsewhere"
	case f.BE:
		words = "the credential can be backed up, and is not"
	}
	return fmt.Sprintf("%s (BE %d, BS %d)", words, bit(f.BE), bit(f.BS))
}

func counterWords(r *site.Report) string {
	switch {
	case r.CloneWarning:
		return fmt.Sprintf("%d, which is not more than at the last login: a site may fear that the key was copied", r.SignCount)
	case r.SignCount == 0:
		return "0: the key does not count, or not for this credential"
	}
	return fmt.Sprint(r.SignCount)
}

func modelWords(aaguid string) string {
	if aaguid == (ctap2.AAGUID{}).String() {
		return "not told (AAGUID of zeros)"
	}
	return "AAGUID " + aaguid
}

func attestationWords(g *site.RegistrationReport) string {
	switch g.AttestationType {
	case "none":
		return "none: nobody vouches for the key"
	case "basic_surrogate":
		return g.AttestationFormat + ", by the credential itself: nobody else vouches for the key"
	}
	return fmt.Sprintf("%s, type %s: its maker vouches for the key", g.AttestationFormat, g.AttestationType)
}

// extensionRows are what extensions have given, the client's and those that the
// key signed.
func extensionRows(r *site.Report) [][2]string {
	var client map[string]any
	json.Unmarshal(r.ClientExtensionResults, &client) // has been JSON before
	if r.Registration != nil {
		delete(client, "credProps") // has been told
	}
	var rows [][2]string
	for _, part := range []struct {
		of string
		m  map[string]any
	}{{"", client}, {" (signed)", r.AuthenticatorOutputs}} {
		for _, name := range slices.Sorted(maps.Keys(part.m)) {
			b, err := json.Marshal(part.m[name])
			if err == nil {
				rows = append(rows, [2]string{name + part.of, string(b)})
			}
		}
	}
	return rows
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
