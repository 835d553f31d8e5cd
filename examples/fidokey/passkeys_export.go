package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/gofido/fido/ctap2/cose"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/spf13/cobra"
)

func (a *app) passkeysExportCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "export-public ID",
		Short: "Print the public key of a passkey",
		Long: `Print the public key of a passkey, the half that the site has and that is no secret.
The private key never leaves the key.

--format says how:
  pem   for openssl and most libraries (X.509 SubjectPublicKeyInfo)
  jwk   for JavaScript and JOSE libraries (RFC 7517)
  cose  as WebAuthn has it, in base64url
  ssh   a line for authorized_keys, of a key that ssh-keygen -O resident has made

With --json all of them that there are for this key are printed.`,
		Args: oneID,
		RunE: func(c *cobra.Command, args []string) error {
			if _, ok := exportFormats[format]; !ok {
				return badUse("--format %q is not pem, jwk, cose or ssh", format)
			}
			return a.passkeysExport(c.Context(), format, args)
		},
	}
	c.Flags().StringVar(&format, "format", "pem", "how to print it: `FORMAT` is pem, jwk, cose or ssh")
	c.RegisterFlagCompletionFunc("format", fixed("pem", "jwk", "cose", "ssh"))
	return c
}

// exportedKey is the JSON form of a passkey's public key. Forms that there are none
// of for this key are not there.
type exportedKey struct {
	ID           string            `json:"id"`
	CredentialID string            `json:"credentialId"` // in base64url
	Site         passkeys.SiteName `json:"site"`
	Algorithm    int64             `json:"alg"` // COSE algorithm
	COSE         string            `json:"cose"`
	PEM          string            `json:"pem,omitempty"`
	JWK          json.RawMessage   `json:"jwk,omitempty"`
	SSH          string            `json:"ssh,omitempty"`
}

// exportFormats say how a public key is printed: without the end of the line.
var exportFormats = map[string]func(rpID string, k *cose.Key) (string, error){
	"pem": asPEM, "jwk": asJWK, "cose": asCOSE, "ssh": asSSH,
}

func (a *app) passkeysExport(ctx context.Context, format string, args []string) error {
	return a.withPasskey(ctx, toRead, args, func(_ *passkeyManager, p passkeys.Entry) error {
		k := p.OnKey.PublicKey
		if k == nil {
			return nonsense("the key does not tell the public key of this passkey")
		}
		all := make(map[string]string)
		for name, form := range exportFormats {
			text, err := form(p.Site.RPID, k)
			if err != nil && name == format && !a.json {
				return fmt.Errorf("the public key can't be printed as %s: %w", name, err)
			}
			all[name] = text
		}
		e := exportedKey{p.ID, p.CredentialID, p.Site, p.Algorithm, all["cose"], all["pem"], json.RawMessage(all["jwk"]), all["ssh"]}
		return a.result(e, func() { fmt.Fprintln(a.out, strings.TrimSuffix(all[format], "\n")) })
	})
}

func asCOSE(_ string, k *cose.Key) (string, error) { return base64URL(k.Append(nil)), nil }

// asPEM returns the key in X.509's form (RFC 5280 section 4.1, RFC 7468).
func asPEM(_ string, k *cose.Key) (string, error) {
	public, err := k.PublicKey()
	if err != nil {
		return "", fmt.Errorf("%w; --format cose prints any", err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// jwk has the members of a JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037).
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"`
	Alg string `json:"alg,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
}

func asJWK(_ string, k *cose.Key) (string, error) {
	public, err := k.PublicKey()
	if err != nil {
		return "", fmt.Errorf("%w; --format cose prints any", err)
	}
	j := jwk{Alg: k.Alg.String()}
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		j.Kty, j.Crv, j.X, j.Y = "EC", k.Crv.String(), base64URL(k.X), base64URL(k.Y)
	case ed25519.PublicKey:
		j.Kty, j.Crv, j.X = "OKP", k.Crv.String(), base64URL(public)
	case *rsa.PublicKey:
		j.Kty, j.N, j.E = "RSA", base64URL(public.N.Bytes()), base64URL(big.NewInt(int64(public.E)).Bytes())
	}
	b, err := json.Marshal(j)
	return string(b), err
}

// sshScheme begins the RP IDs of OpenSSH's keys, which it calls applications.
const sshScheme = "ssh:"

// asSSH returns a line of authorized_keys. What is in it is in OpenSSH's
// PROTOCOL.u2f: a name, the key as OpenSSH has those of its kind, the application.
func asSSH(rpID string, k *cose.Key) (string, error) {
	if !strings.HasPrefix(rpID, sshScheme) {
		return "", errors.New("it belongs to a site, and ssh takes only those that ssh-keygen has made, for " + sshScheme)
	}
	public, err := k.PublicKey()
	if err != nil {
		return "", err
	}
	var kind string
	var fields []string
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		if k.Crv != cose.CurveP256 {
			return "", fmt.Errorf("ssh knows none on %s", k.Crv)
		}
		kind = "sk-ecdsa-sha2-nistp256@openssh.com"
		fields = []string{"nistp256", "\x04" + string(k.X) + string(k.Y)}
	case ed25519.PublicKey:
		kind = "sk-ssh-ed25519@openssh.com"
		fields = []string{string(public)}
	default:
		return "", fmt.Errorf("ssh knows none of type %s", k.Kty)
	}
	var b []byte
	for _, f := range append(append([]string{kind}, fields...), rpID) {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	return kind + " " + base64.StdEncoding.EncodeToString(b) + " " + hid.Text(rpID), nil
}
