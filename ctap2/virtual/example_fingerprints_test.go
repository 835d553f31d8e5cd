package virtual_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// fingerprintToken gives the key a PIN and returns a token to manage its
// fingerprints.
func fingerprintToken(key *virtual.Key, client *ctap2.Client) *pinuv.Token {
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(context.Background(), []byte("1234"), ctap2.PermissionBE, "")
	if err != nil {
		log.Fatal(err)
	}
	return token
}

// A finger that slips once, then does not come at all: the script says what the
// sensor gets, sample by sample.
func ExampleBadSample() {
	key, client := newKey(virtual.Config{
		UV:           virtual.FingerprintUV,
		Fingerprints: virtual.Fingerprints{Samples: 2},
		User: virtual.Script(
			virtual.Step{Sample: virtual.BadSample(ctap2.SampleTooSkewed)},
			virtual.Step{Sample: virtual.GoodSample},
			virtual.Step{Sample: virtual.BadSample(ctap2.SampleNoUserActivity)}, // NoSample does the same, after a wait
			virtual.Step{Sample: virtual.GoodSample},
		),
	})
	_, err := client.EnrollFingerprint(context.Background(), fingerprintToken(key, client), &ctap2.Enrollment{
		Progress: func(s ctap2.EnrollmentSample) { fmt.Println(s.Status) },
	})
	fmt.Println(err, len(key.Fingerprints()))
	// Output:
	// the finger was too skewed
	// a good sample
	// no finger came in time
	// a good sample
	// <nil> 1
}

// hasty is a user whose first sample each time is too short.
type hasty struct {
	virtual.User
	slow bool
}

func (u *hasty) Sample(context.Context, virtual.Prompt) virtual.Sample {
	if u.slow = !u.slow; u.slow {
		return virtual.BadSample(ctap2.SampleTooShort)
	}
	return virtual.GoodSample
}

// A user of a test's own.
func ExampleSampler() {
	key, client := newKey(virtual.Config{UV: virtual.FingerprintUV, User: &hasty{User: virtual.AlwaysTouch()}})
	samples := 0
	_, err := client.EnrollFingerprint(context.Background(), fingerprintToken(key, client), &ctap2.Enrollment{
		Progress: func(ctap2.EnrollmentSample) { samples++ },
	})
	fmt.Println(samples, err)
	// Output: 8 <nil>
}

// A test puts the finger on the sensor when it is asked to.
func ExampleManual_samples() {
	user := virtual.NewManual()
	key, client := newKey(virtual.Config{UV: virtual.FingerprintUV, User: user, Fingerprints: virtual.Fingerprints{Samples: 2}})
	token := fingerprintToken(key, client)
	done := make(chan error)
	go func() {
		_, err := client.EnrollFingerprint(context.Background(), token, nil)
		done <- err
	}()
	for range 2 {
		prompt := <-user.Prompts
		fmt.Println(prompt.Command, "wants a finger")
		user.Samples <- virtual.GoodSample
	}
	fmt.Println(<-done)
	// Output:
	// authenticatorBioEnrollment wants a finger
	// authenticatorBioEnrollment wants a finger
	// <nil>
}

// With a fingerprint on it, the key recognises its user: a test of logins need
// not enrol one first.
func ExampleKey_AddFingerprint() {
	ctx := context.Background()
	key, client := newKey(virtual.Config{UV: virtual.FingerprintUV})
	if _, err := key.AddFingerprint("left thumb"); err != nil {
		log.Fatal(err)
	}
	request := register("ada")
	request.Options.UV = new(true)
	made, err := client.MakeCredential(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.AuthData.Flags)
	// Output: UP, UV, AT
}

func ExampleKey_SetFingerprints() {
	key, _ := newKey(virtual.Config{UV: virtual.FingerprintUV})
	err := key.SetFingerprints(
		ctap2.TemplateInfo{TemplateID: []byte{1}, TemplateFriendlyName: "left thumb"},
		ctap2.TemplateInfo{TemplateFriendlyName: "right thumb"}, // the key chooses an ID
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range key.Fingerprints() {
		fmt.Println(len(f.TemplateID), f.TemplateFriendlyName)
	}
	if err := key.SetFingerprints(); err != nil { // none
		log.Fatal(err)
	}
	fmt.Println(key.Info().Options[ctap2.OptionUV])
	// Output:
	// 1 left thumb
	// 16 right thumb
	// false
}

// The wrong finger, three times: only the PIN helps.
func ExampleVerification() {
	ctx := context.Background()
	wrong := virtual.Step{Verify: virtual.NotVerified}
	key, client := newKey(virtual.Config{UV: virtual.FingerprintUV, UVRetries: 3, User: virtual.Script(wrong, wrong, wrong)})
	if _, err := key.AddFingerprint(""); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		_, err := client.UVToken(ctx, ctap2.PermissionGA, "example.com")
		fmt.Println(errors.Is(err, ctap2.StatusUVInvalid), errors.Is(err, ctap2.StatusUVBlocked), key.UVRetries())
	}
	if err := key.SetPIN([]byte("1234")); err != nil {
		log.Fatal(err)
	}
	_, err := client.PINToken(ctx, []byte("1234"), ctap2.PermissionGA, "example.com")
	fmt.Println(err, key.UVRetries())
	// Output:
	// true false 2
	// true false 1
	// false true 0
	// <nil> 3
}
