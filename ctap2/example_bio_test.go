package ctap2_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/ctap2/virtual"
)

// fingerprintKey returns a client for a software key with a fingerprint sensor,
// and a token to manage the fingerprints.
func fingerprintKey(config virtual.Config) (*ctap2.Client, *pinuv.Token) {
	config.UV = virtual.FingerprintUV
	ctx := context.Background()
	client := softwareKey(config)
	if err := client.SetPIN(ctx, []byte("correct horse")); err != nil {
		log.Fatal(err)
	}
	token, err := client.PINToken(ctx, []byte("correct horse"), ctap2.PermissionBE, "")
	if err != nil {
		log.Fatal(err)
	}
	return client, token
}

func ExampleClient_BioModality() {
	client := softwareKey(virtual.Config{UV: virtual.FingerprintUV})
	modality, err := client.BioModality(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(modality == ctap2.ModalityFingerprint)

	_, err = softwareKey(virtual.Config{}).BioModality(context.Background()) // a key without a sensor
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	// Output:
	// true
	// true
}

func ExampleClient_FingerprintSensorInfo() {
	client := softwareKey(virtual.Config{UV: virtual.FingerprintUV})
	sensor, err := client.FingerprintSensorInfo(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("kind:", sensor.Kind)
	fmt.Println("samples:", sensor.MaxCaptureSamples)
	fmt.Println("names have at most", sensor.MaxTemplateFriendlyName, "bytes")
	// Output:
	// kind: touch
	// samples: 4
	// names have at most 15 bytes
}

// The user needs several tries, and hears what went wrong.
func ExampleClient_EnrollFingerprint() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	client, token := fingerprintKey(virtual.Config{User: virtual.Script(
		virtual.Step{Sample: virtual.GoodSample},
		virtual.Step{Sample: virtual.BadSample(ctap2.SampleTooShort)},
		virtual.Step{Sample: virtual.GoodSample},
		virtual.Step{Sample: virtual.GoodSample},
		virtual.Step{Sample: virtual.GoodSample},
	)})
	defer token.Wipe()
	id, err := client.EnrollFingerprint(ctx, token, &ctap2.Enrollment{
		Progress: func(s ctap2.EnrollmentSample) { fmt.Printf("%v, %d to go\n", s.Status, s.Remaining) },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.SetFingerprintName(ctx, token, id, "left thumb"))
	// Output:
	// a good sample, 3 to go
	// the touch was too short, 3 to go
	// a good sample, 2 to go
	// a good sample, 1 to go
	// a good sample, 0 to go
	// <nil>
}

func ExampleClient_Fingerprints() {
	ctx := context.Background()
	client, token := fingerprintKey(virtual.Config{})
	defer token.Wipe()
	for _, name := range []string{"left thumb", "right thumb"} {
		id, err := client.EnrollFingerprint(ctx, token, nil)
		if err != nil {
			log.Fatal(err)
		}
		if err := client.SetFingerprintName(ctx, token, id, name); err != nil {
			log.Fatal(err)
		}
	}
	all, err := client.Fingerprints(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range all {
		fmt.Println(f.TemplateFriendlyName)
	}
	// Output:
	// left thumb
	// right thumb
}

func ExampleClient_SetFingerprintName() {
	ctx := context.Background()
	client, token := fingerprintKey(virtual.Config{})
	defer token.Wipe()
	id, err := client.EnrollFingerprint(ctx, token, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.SetFingerprintName(ctx, token, id, "the thumb of my left hand"))
	fmt.Println(client.SetFingerprintName(ctx, token, id, "left thumb"))
	// Output:
	// the name is too long: it takes 25 bytes and the key keeps at most 15; choose a shorter one
	// <nil>
}

func ExampleClient_RemoveFingerprint() {
	ctx := context.Background()
	client, token := fingerprintKey(virtual.Config{})
	defer token.Wipe()
	id, err := client.EnrollFingerprint(ctx, token, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.RemoveFingerprint(ctx, token, id))
	err = client.RemoveFingerprint(ctx, token, id)
	fmt.Println(errors.Is(err, ctap2.StatusInvalidOption)) // there is no such template any more
	// Output:
	// <nil>
	// true
}

// The subcommands of bioEnrollment are there as they are, too.
func ExampleClient_BioEnrollment() {
	ctx := context.Background()
	client, token := fingerprintKey(virtual.Config{})
	defer token.Wipe()
	request := &ctap2.BioEnrollmentRequest{Modality: ctap2.ModalityFingerprint, SubCommand: ctap2.EnrollBegin}
	if err := request.Authorize(token); err != nil {
		log.Fatal(err)
	}
	r, err := client.BioEnrollment(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(r.TemplateID), "bytes of template ID;", *r.LastEnrollSampleStatus)
	// Output: 16 bytes of template ID; a good sample
}
