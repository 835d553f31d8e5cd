package webauthn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/cbor"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/webauthn"
)

// What a site sends. A real challenge is different each time.
const (
	creationOptions = `{"publicKey": {
		"rp": {"id": "example.com", "name": "Example"},
		"user": {"id": "YWRh", "name": "ada@example.com", "displayName": "Ada Lovelace"},
		"challenge": "8mJcc0yAs9yOSWs6wpNWtw",
		"pubKeyCredParams": [{"type": "public-key", "alg": -7}],
		"authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
		"extensions": {"credProps": true}
	}}`
	requestOptions = `{"publicKey": {"challenge": "ZvAvhA1xC6bSSdzCHL6ypA", "rpId": "example.com", "userVerification": "required"}}`
)

// Register with a site.
func ExampleClient_Create() {
	client := webauthn.NewClient(webauthn.NewSecurityKey(softwareKey(), terminal{pin: "1234"}), nil)
	options, err := webauthn.ParseCreationOptions([]byte(creationOptions))
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.Create(context.Background(), "https://login.example.com", options)
	if err != nil {
		log.Fatal(err)
	}
	toSite, err := json.Marshal(response)
	if err != nil {
		log.Fatal(err)
	}
	var read struct {
		Type     string
		Response struct {
			Transports         []string
			PublicKeyAlgorithm int
		}
		ClientExtensionResults map[string]any
	}
	if err := json.Unmarshal(toSite, &read); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(response.ClientDataJSON))
	fmt.Printf("%+v\n", read)
	// Output:
	// PIN of the key, for example.com (8 tries left)
	// touch the key for example.com
	// {"type":"webauthn.create","challenge":"8mJcc0yAs9yOSWs6wpNWtw","origin":"https://login.example.com","crossOrigin":false}
	// {Type:public-key Response:{Transports:[usb] PublicKeyAlgorithm:-7} ClientExtensionResults:map[credProps:map[rk:true]]}
}

// Log in to a site.
func ExampleClient_Get() {
	ctx := context.Background()
	key := softwareKey()
	if _, err := webauthn.NewSecurityKey(key, silent{terminal{pin: "1234"}}).MakeCredential(ctx, newPasskey("ada")); err != nil {
		log.Fatal(err)
	}

	client := webauthn.NewClient(webauthn.NewSecurityKey(key, terminal{pin: "1234"}), nil)
	options, err := webauthn.ParseRequestOptions([]byte(requestOptions))
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.Get(ctx, "https://login.example.com", options)
	if err != nil {
		log.Fatal(err)
	}
	toSite, err := json.Marshal(response)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(json.Valid(toSite), string(response.UserHandle))
	// Output:
	// PIN of the key, for example.com (8 tries left)
	// touch the key for example.com
	// true ada
}

// What went wrong, for a person and for the program.
func ExampleError() {
	client := webauthn.NewClient(webauthn.NewSecurityKey(softwareKey(), silent{terminal{pin: "1234"}}), nil)
	options, err := webauthn.ParseRequestOptions([]byte(requestOptions))
	if err != nil {
		log.Fatal(err)
	}
	for _, origin := range []string{"https://example.com", "https://example.org"} {
		_, err := client.Get(context.Background(), origin, options)
		fmt.Println(err)
		if e, ok := errors.AsType[*webauthn.Error](err); ok {
			fmt.Println(e.Name, errors.Is(err, webauthn.ErrNoPasskey))
		}
	}
	// Output:
	// webauthn: there is no passkey for this account here: use another key, or register this one with the site first
	// NotAllowedError true
	// webauthn: the site https://example.org may not use passkeys of "example.com"
	// SecurityError false
}

// A site that shares its passkeys with another of its domains.
func ExampleConfig() {
	config := &webauthn.Config{RelatedOrigins: func(ctx context.Context, rpID string) ([]string, error) {
		fmt.Printf("GET https://%s/.well-known/webauthn\n", rpID) // a program does, and reads "origins"
		return []string{"https://example.org", "https://example.net"}, nil
	}}
	client := webauthn.NewClient(webauthn.NewSecurityKey(softwareKey(), silent{terminal{pin: "1234"}}), config)
	options, err := webauthn.ParseCreationOptions([]byte(creationOptions))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Create(context.Background(), "https://example.net", options)
	fmt.Println(err)
	// Output:
	// GET https://example.com/.well-known/webauthn
	// <nil>
}

// A platform is an authenticator that an operating system has.
type platform struct{}

func (platform) MakeCredential(ctx context.Context, r *webauthn.MakeCredentialRequest) (*webauthn.MakeCredentialResult, error) {
	fmt.Printf("the system asks whether %s may get a passkey for %s\n", r.RP.ID, r.User.Name)
	return nil, webauthn.ErrCancelled
}

func (platform) GetAssertion(context.Context, *webauthn.GetAssertionRequest) (*webauthn.GetAssertionResult, error) {
	return nil, webauthn.ErrNoPasskey
}

// An operating system's own API in the place of a security key.
func ExampleAuthenticator() {
	client := webauthn.NewClient(platform{}, nil)
	options, err := webauthn.ParseCreationOptions([]byte(creationOptions))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Create(context.Background(), "https://example.com", options)
	fmt.Println(errors.Is(err, webauthn.ErrCancelled))
	// Output:
	// the system asks whether example.com may get a passkey for ada@example.com
	// true
}

func ExampleParseCreationOptions() {
	options, err := webauthn.ParseCreationOptions([]byte(creationOptions))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(options.RP.Name, options.User.Name, options.PubKeyCredParams[0].Alg, options.AuthenticatorSelection.ResidentKey)

	_, err = webauthn.ParseCreationOptions([]byte(`{"rp": {}, "user": {"id": "!"}, "challenge": "AAAA"}`))
	fmt.Println(err)
	// Output:
	// Example ada@example.com ES256 required
	// webauthn: the site's options are not as they must be: user.id is not base64url
}

func ExampleParseRequestOptions() {
	options, err := webauthn.ParseRequestOptions([]byte(requestOptions))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(options.RPID, options.UserVerification, len(options.AllowCredentials))
	// Output: example.com required 0
}

// Options that are a part of what the site sends.
func ExampleRequestOptions_UnmarshalJSON() {
	var fromSite struct {
		Session string                  `json:"session"`
		Options webauthn.RequestOptions `json:"options"`
	}
	err := json.Unmarshal([]byte(`{"session": "12", "options": {"challenge": "ZvAvhA1xC6bSSdzCHL6ypA", "rpId": "example.com"}}`), &fromSite)
	fmt.Println(fromSite.Session, fromSite.Options.RPID, err)
	// Output: 12 example.com <nil>
}

// A program that makes the site's part too, as tests do.
func ExampleCreationOptions() {
	options := &webauthn.CreationOptions{
		RP:        ctap2.PublicKeyCredentialRPEntity{ID: "localhost", Name: "Test"},
		User:      ctap2.PublicKeyCredentialUserEntity{ID: []byte("ada"), Name: "ada", DisplayName: "Ada"},
		Challenge: []byte("different each time"),
	}
	b, err := json.MarshalIndent(options, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(b))
	// Output:
	// {
	//   "rp": {
	//     "id": "localhost",
	//     "name": "Test"
	//   },
	//   "user": {
	//     "id": "YWRh",
	//     "name": "ada",
	//     "displayName": "Ada"
	//   },
	//   "challenge": "ZGlmZmVyZW50IGVhY2ggdGltZQ",
	//   "pubKeyCredParams": []
	// }
}

func ExampleClientData_Append() {
	data := webauthn.ClientData{Type: webauthn.Authentication, Challenge: []byte{1, 2, 3}, Origin: "https://example.com"}
	fmt.Printf("%s\n", data.Append(nil))
	// Output: {"type":"webauthn.get","challenge":"AQID","origin":"https://example.com","crossOrigin":false}
}

// What the key says about itself, which package attestation verifies.
func ExampleParseAttestationObject() {
	made, err := webauthn.NewSecurityKey(softwareKey(), silent{terminal{pin: "1234"}}).MakeCredential(context.Background(), newPasskey("ada"))
	if err != nil {
		log.Fatal(err)
	}
	object, err := webauthn.ParseAttestationObject(made.AttestationObject)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(object.Fmt, object.AuthData.AttestedCredentialData.PublicKey.Alg)
	// Output: packed ES256
}

// An authenticator that has nothing to say of itself.
func ExampleAttestationObject_Append() {
	made, err := webauthn.NewSecurityKey(softwareKey(), silent{terminal{pin: "1234"}}).MakeCredential(context.Background(), newPasskey("ada"))
	if err != nil {
		log.Fatal(err)
	}
	object, err := webauthn.ParseAttestationObject(made.AttestationObject)
	if err != nil {
		log.Fatal(err)
	}
	object.Fmt, object.AttStmt = "none", cbor.RawMessage{0xa0} // an empty map
	b, err := object.Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(b) < len(made.AttestationObject))
	// Output: true
}

// What an authenticator signs in place of the client data.
func ExampleMakeCredentialRequest_ClientDataHash() {
	fmt.Printf("%x\n", newPasskey("ada").ClientDataHash())
	// Output: 61deb4435d0d88683afdd4123d6e1593bb934195ed0609b640f5614e603018e9
}

func ExampleGetAssertionRequest_ClientDataHash() {
	fmt.Printf("%x\n", logIn.ClientDataHash())
	// Output: 2aea27078a8ee7225b8875b52bfa4f7856a363d63e5968bb19dd565ee9dd398f
}
