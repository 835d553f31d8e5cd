package webauthn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/cose"
)

const (
	leastCreation = `{"rp":{},"user":{"id":"AQ"},"challenge":"AAEC","pubKeyCredParams":[]}`
	leastRequest  = `{"challenge":"AAEC"}`
)

// with returns least with members more, which win over those before.
func with(least, members string) string { return strings.TrimSuffix(least, "}") + "," + members + "}" }

// wholeCreation has every member, and some that nobody knows.
const wholeCreation = `{
	"rp": {"id": "example.com", "name": "Example", "icon": "https://example.com/i.png"},
	"user": {"id": "AQID", "name": "ada@example.com", "displayName": "Ada Lovelace"},
	"challenge": "AAECAwQFBgcICQoLDA0ODw",
	"pubKeyCredParams": [{"type": "public-key", "alg": -8}, {"type": "public-key", "alg": -7}, {"type": "future", "alg": 1}],
	"timeout": 90000,
	"excludeCredentials": [
		{"type": "public-key", "id": "_-8", "transports": ["usb", "nfc", "telepathy"]},
		{"type": "future", "id": "AA"}
	],
	"authenticatorSelection": {"authenticatorAttachment": "cross-platform", "residentKey": "preferred", "requireResidentKey": true, "userVerification": "required", "x": 1},
	"hints": ["security-key", "telepathy", "hybrid"],
	"attestation": "direct",
	"attestationFormats": ["packed", "future"],
	"extensions": {
		"appidExclude": "https://example.com/app-id.json", "credProps": true, "future": {"a": [1]},
		"prf": {"eval": {"first": "AA", "second": ""}},
		"largeBlob": {"support": "required"},
		"credentialProtectionPolicy": "userVerificationRequired", "enforceCredentialProtectionPolicy": true,
		"credBlob": "AQI", "minPinLength": true, "pinComplexityPolicy": true
	},
	"future": null
}`

var wholeCreationOptions = &CreationOptions{
	RP:        ctap2.PublicKeyCredentialRPEntity{ID: "example.com", Name: "Example"},
	User:      ctap2.PublicKeyCredentialUserEntity{ID: []byte{1, 2, 3}, Name: "ada@example.com", DisplayName: "Ada Lovelace"},
	Challenge: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	PubKeyCredParams: []ctap2.PublicKeyCredentialParameters{
		{Alg: cose.EdDSA, Type: "public-key"}, {Alg: cose.ES256, Type: "public-key"}, {Alg: 1, Type: "future"},
	},
	Timeout: 90 * time.Second,
	ExcludeCredentials: []ctap2.PublicKeyCredentialDescriptor{
		{ID: []byte{0xff, 0xef}, Type: "public-key", Transports: []string{"usb", "nfc", "telepathy"}},
		{ID: []byte{0}, Type: "future"},
	},
	AuthenticatorSelection: AuthenticatorSelection{AttachmentCrossPlatform, ResidentKeyPreferred, UserVerificationRequired},
	Hints:                  []Hint{HintSecurityKey, HintHybrid},
	Attestation:            AttestationDirect,
	AttestationFormats:     []string{"packed", "future"},
	Extensions: CreationExtensions{
		AppIDExclude: "https://example.com/app-id.json", CredProps: true,
		PRF:         &PRFInputs{Eval: &PRFValues{First: []byte{0}, Second: []byte{}}},
		LargeBlob:   ctap2.LargeBlobRequired,
		CredProtect: ctap2.CredProtectUVRequired, EnforceCredProtect: true,
		CredBlob: []byte{1, 2}, MinPINLength: true, PINComplexityPolicy: true,
	},
}

const wholeRequest = `{
	"challenge": "AAECAwQFBgcICQoLDA0ODw", "timeout": 90000, "rpId": "example.com",
	"allowCredentials": [{"type": "public-key", "id": "AQI", "transports": ["usb"]}],
	"userVerification": "discouraged", "hints": ["client-device"],
	"extensions": {
		"appid": "https://example.com/app-id.json", "getCredBlob": true,
		"prf": {"eval": {"first": "AA"}, "evalByCredential": {"AQI": {"first": "AQ", "second": "Ag"}}},
		"largeBlob": {"write": ""}
	}
}`

var wholeRequestOptions = &RequestOptions{
	Challenge: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, Timeout: 90 * time.Second, RPID: "example.com",
	AllowCredentials: []ctap2.PublicKeyCredentialDescriptor{{ID: []byte{1, 2}, Type: "public-key", Transports: []string{"usb"}}},
	UserVerification: UserVerificationDiscouraged, Hints: []Hint{HintClientDevice},
	Extensions: RequestExtensions{
		AppID: "https://example.com/app-id.json", GetCredBlob: true,
		PRF: &PRFInputs{
			Eval:             &PRFValues{First: []byte{0}},
			EvalByCredential: map[string]PRFValues{"\x01\x02": {First: []byte{1}, Second: []byte{2}}},
		},
		LargeBlob: &LargeBlobInputs{Write: []byte{}},
	},
}

// plain prints what %+v redacts.
func plain(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return fmt.Sprintf("%+v\n%s", v, b)
}

func TestParseWhole(t *testing.T) {
	for _, wrap := range []string{"%s", `{"publicKey": %s, "mediation": "required"}`} {
		c, err := ParseCreationOptions(fmt.Appendf(nil, wrap, wholeCreation))
		if err != nil || !reflect.DeepEqual(c, wholeCreationOptions) {
			t.Errorf("%v: %s", err, plain(c))
		}
		r, err := ParseRequestOptions(fmt.Appendf(nil, wrap, wholeRequest))
		if err != nil || !reflect.DeepEqual(r, wholeRequestOptions) {
			t.Errorf("%v: %s", err, plain(r))
		}
	}
}

func TestOptionsRoundTrip(t *testing.T) {
	for _, o := range []*CreationOptions{wholeCreationOptions, {User: ctap2.PublicKeyCredentialUserEntity{ID: []byte{1}}, Challenge: []byte{1}}} {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseCreationOptions(b); err != nil || !reflect.DeepEqual(back, o) {
			t.Errorf("%v: %s becomes %s", err, b, plain(back))
		}
	}
	for _, o := range []*RequestOptions{wholeRequestOptions, {Challenge: []byte{1}}} {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseRequestOptions(b); err != nil || !reflect.DeepEqual(back, o) {
			t.Errorf("%v: %s becomes %s", err, b, plain(back))
		}
	}
}

// Options and responses as members of a program's own types, by value as well, where
// encoding/json does not find the methods of pointers and makes up a form instead.
func TestJSONInside(t *testing.T) {
	var fromSite struct {
		Session  string
		Register CreationOptions
		Login    struct{ PublicKey *RequestOptions }
		Nothing  RequestOptions
	}
	b := fmt.Appendf(nil, `{"session": "1", "register": {"publicKey": %s}, "login": {"publicKey": %s}, "nothing": null}`, wholeCreation, wholeRequest)
	if err := json.Unmarshal(b, &fromSite); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&fromSite.Register, wholeCreationOptions) || !reflect.DeepEqual(fromSite.Login.PublicKey, wholeRequestOptions) || fromSite.Nothing.Challenge != nil {
		t.Errorf("%s", plain(fromSite))
	}
	err := json.Unmarshal([]byte(`{"register": {"challenge": "AAAA"}}`), &fromSite)
	wantError(t, err, TypeError, nil)
	if !reflect.DeepEqual(&fromSite.Register, wholeCreationOptions) {
		t.Error("options that are not as they must be changed those before")
	}

	registration := RegistrationResponse{ID: []byte{1, 2, 3}}
	login := AuthenticationResponse{ID: []byte{1, 2, 3}, ClientExtensionResults: RequestExtensionOutputs{CredBlob: []byte{0xff}}}
	for _, pair := range [][2]any{
		{*wholeCreationOptions, wholeCreationOptions}, {*wholeRequestOptions, wholeRequestOptions},
		{registration, &registration}, {login, &login}, {login.ClientExtensionResults, &login.ClientExtensionResults},
	} {
		value, err := json.Marshal(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		if pointer, err := json.Marshal(pair[1]); err != nil || !bytes.Equal(value, pointer) {
			t.Errorf("%T becomes %s, and its pointer %s (%v)", pair[0], value, pointer, err)
		}
	}
}

// TestParseCreation has what single members become, on the least options that
// there are.
func TestParseCreation(t *testing.T) {
	selection := func(o *CreationOptions) any { return o.AuthenticatorSelection }
	for name, c := range map[string]struct {
		members string
		get     func(*CreationOptions) any
		want    any
	}{
		"rp.id null/absent":         {`"rp":{"id":null,"name":null}`, func(o *CreationOptions) any { return o.RP }, ctap2.PublicKeyCredentialRPEntity{}},
		"other case/another member": {`"Timeout":5,"TIMEOUT":6`, func(o *CreationOptions) any { return o.Timeout }, time.Duration(0)},
		"twice/the last":            {`"timeout":5,"timeout":6`, func(o *CreationOptions) any { return o.Timeout }, 6 * time.Millisecond},
		"timeout with fraction":     {`"timeout":6.9`, func(o *CreationOptions) any { return o.Timeout }, 6 * time.Millisecond},
		"timeout huge/bounded":      {`"timeout":1e300`, func(o *CreationOptions) any { return o.Timeout }, 24 * time.Hour},
		"timeout negative/none":     {`"timeout":-1`, func(o *CreationOptions) any { return o.Timeout }, time.Duration(0)},
		"padded":                    {`"challenge":"_w=="`, func(o *CreationOptions) any { return o.Challenge }, []byte{0xff}},
		"unpadded":                  {`"challenge":"_w"`, func(o *CreationOptions) any { return o.Challenge }, []byte{0xff}},
		"loose bits/ignored":        {`"challenge":"_-"`, func(o *CreationOptions) any { return o.Challenge }, []byte{0xff}},
		"selection null/absent":     {`"authenticatorSelection":null`, selection, AuthenticatorSelection{}},
		"resident key required in the old way": {`"authenticatorSelection":{"requireResidentKey":true}`, selection,
			AuthenticatorSelection{ResidentKey: ResidentKeyRequired}},
		"resident key unknown, required in the old way": {`"authenticatorSelection":{"residentKey":"x","requireResidentKey":true}`, selection,
			AuthenticatorSelection{ResidentKey: ResidentKeyRequired}},
		"resident key discouraged wins": {`"authenticatorSelection":{"residentKey":"discouraged","requireResidentKey":true}`, selection,
			AuthenticatorSelection{ResidentKey: ResidentKeyDiscouraged}},
		"unknown values/absent": {`"authenticatorSelection":{"authenticatorAttachment":"x","residentKey":"x","userVerification":"Required"}`, selection,
			AuthenticatorSelection{}},
		"attestation unknown/absent":  {`"attestation":"x"`, func(o *CreationOptions) any { return o.Attestation }, Attestation("")},
		"name with half a surrogate":  {`"rp":{"name":"\ud800"}`, func(o *CreationOptions) any { return o.RP.Name }, "\ufffd"},
		"large blob without support":  {`"extensions":{"largeBlob":{}}`, func(o *CreationOptions) any { return o.Extensions.LargeBlob }, ctap2.LargeBlobPreferred},
		"large blob, unknown support": {`"extensions":{"largeBlob":{"support":"x"}}`, func(o *CreationOptions) any { return o.Extensions.LargeBlob }, ctap2.LargeBlobPreferred},
		"credProtect unknown/absent":  {`"extensions":{"credentialProtectionPolicy":"x"}`, func(o *CreationOptions) any { return o.Extensions }, CreationExtensions{}},
		"credProtect not enforced":    {`"extensions":{"credentialProtectionPolicy":"userVerificationOptional"}`, func(o *CreationOptions) any { return o.Extensions }, CreationExtensions{CredProtect: 1}},
		"prf empty/asked for":         {`"extensions":{"prf":{}}`, func(o *CreationOptions) any { return o.Extensions }, CreationExtensions{PRF: &PRFInputs{}}},
		"extensions null/absent":      {`"extensions":null`, func(o *CreationOptions) any { return o.Extensions }, CreationExtensions{}},
		"extensions a list/absent":    {`"extensions":[]`, func(o *CreationOptions) any { return o.Extensions }, CreationExtensions{}},
		"selection a list/absent":     {`"authenticatorSelection": [ ]`, selection, AuthenticatorSelection{}},
		"prf a list/asked for":        {`"extensions":{"prf":[]}`, func(o *CreationOptions) any { return o.Extensions }, CreationExtensions{PRF: &PRFInputs{}}},
		"algorithm with a point and zero": {`"pubKeyCredParams":[{"type":"public-key","alg":-7.0}]`, func(o *CreationOptions) any { return o.PubKeyCredParams },
			[]ctap2.PublicKeyCredentialParameters{{Alg: -7, Type: "public-key"}}},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ParseCreationOptions([]byte(with(leastCreation, c.members)))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.get(o); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%#v, want %#v", got, c.want)
			}
		})
	}
}

func TestParseCreationRefused(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nothing":                {"", TypeError},
		"null":                   {"null", TypeError},
		"not an object":          {"[]", TypeError},
		"cut short":              {leastCreation[:40], TypeError},
		"more behind":            {leastCreation + "{}", TypeError},
		"not UTF-16 or so":       {"\xff\xfe{}", TypeError},
		"too long":               {with(leastCreation, `"x":"`+repeat("x", MaxOptions)+`"`), TypeError},
		"nested too deep":        {with(leastCreation, `"x":`+repeat("[", 100000)+repeat("]", 100000)), TypeError},
		"empty":                  {"{}", TypeError},
		"wrapped twice":          {`{"publicKey":{"publicKey":` + leastCreation + `}}`, TypeError},
		"no rp":                  {`{"user":{"id":"AQ"},"challenge":"AA"}`, TypeError},
		"no user":                {`{"rp":{},"challenge":"AA"}`, TypeError},
		"no user.id":             {`{"rp":{},"user":{},"challenge":"AA"}`, TypeError},
		"no challenge":           {`{"rp":{},"user":{"id":"AQ"}}`, TypeError},
		"challenge null":         {with(leastCreation, `"challenge":null`), TypeError},
		"challenge empty":        {with(leastCreation, `"challenge":""`), TypeError},
		"challenge a number":     {with(leastCreation, `"challenge":1`), TypeError},
		"challenge a list":       {with(leastCreation, `"challenge":[1,2]`), TypeError},
		"challenge base64":       {with(leastCreation, `"challenge":"+/8="`), EncodingError},
		"challenge with newline": {with(leastCreation, `"challenge":"AA\n"`), EncodingError},
		"challenge with blank":   {with(leastCreation, `"challenge":"A A"`), EncodingError},
		"challenge padded badly": {with(leastCreation, `"challenge":"AA="`), EncodingError},
		"challenge too long":     {with(leastCreation, `"challenge":"`+repeat("AAAA", maxData)+`"`), TypeError},
		"user.id empty":          {with(leastCreation, `"user":{"id":""}`), TypeError},
		"user.id of 65":          {with(leastCreation, `"user":{"id":"`+repeat("A", 87)+`"}`), TypeError},
		"user a list":            {with(leastCreation, `"user":["ada"]`), TypeError},
		"user a text":            {with(leastCreation, `"user":"ada"`), TypeError},
		"name a number":          {with(leastCreation, `"rp":{"name":1}`), TypeError},
		"name too long":          {with(leastCreation, `"rp":{"name":"`+repeat("x", maxText+1)+`"}`), TypeError},
		"timeout a text":         {with(leastCreation, `"timeout":"60000"`), TypeError},
		"params not a list":      {with(leastCreation, `"pubKeyCredParams":{}`), TypeError},
		"param a number":         {with(leastCreation, `"pubKeyCredParams":[-7]`), TypeError},
		"param without alg":      {with(leastCreation, `"pubKeyCredParams":[{"type":"public-key"}]`), TypeError},
		"param without type":     {with(leastCreation, `"pubKeyCredParams":[{"alg":-7}]`), TypeError},
		"alg a fraction":         {with(leastCreation, `"pubKeyCredParams":[{"type":"public-key","alg":-7.5}]`), TypeError},
		"alg huge":               {with(leastCreation, `"pubKeyCredParams":[{"type":"public-key","alg":1e30}]`), TypeError},
		"descriptor without id":  {with(leastCreation, `"excludeCredentials":[{"type":"public-key"}]`), TypeError},
		"descriptor, no type":    {with(leastCreation, `"excludeCredentials":[{"id":"AA"}]`), TypeError},
		"descriptor null":        {with(leastCreation, `"excludeCredentials":[null]`), TypeError},
		"too many descriptors":   {with(leastCreation, `"excludeCredentials":[`+strings.TrimSuffix(repeat(`{},`, maxList+1), ",")+`]`), TypeError},
		"transports a text":      {with(leastCreation, `"excludeCredentials":[{"type":"public-key","id":"AA","transports":"usb"}]`), TypeError},
		"too many hints":         {with(leastCreation, `"hints":[`+strings.TrimSuffix(repeat(`"x",`, maxList+1), ",")+`]`), TypeError},
		"flag a text":            {with(leastCreation, `"extensions":{"credProps":"yes"}`), TypeError},
		"prf without first":      {with(leastCreation, `"extensions":{"prf":{"eval":{}}}`), TypeError},
		"prf by credential":      {with(leastCreation, `"extensions":{"prf":{"evalByCredential":{"AQ":{"first":"AA"}}}}`), NotSupportedError},
		"large blob read":        {with(leastCreation, `"extensions":{"largeBlob":{"read":true}}`), NotSupportedError},
		"large blob write":       {with(leastCreation, `"extensions":{"largeBlob":{"write":"AA"}}`), NotSupportedError},
		"unknown policy":         {with(leastCreation, `"extensions":{"credentialProtectionPolicy":"x","enforceCredentialProtectionPolicy":true}`), NotSupportedError},
		"credBlob not base64url": {with(leastCreation, `"extensions":{"credBlob":"\u001b[2J"}`), EncodingError},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ParseCreationOptions([]byte(c.in))
			if o != nil {
				t.Errorf("%s", plain(o))
			}
			wantError(t, err, c.want, nil)
		})
	}
}

func TestParseRequestRefused(t *testing.T) {
	allow := func(members string) string {
		return with(leastRequest, `"allowCredentials":[{"type":"public-key","id":"AQ"}],`+members)
	}
	for name, c := range map[string]struct{ in, want string }{
		"nothing":                          {"", TypeError},
		"no challenge":                     {"{}", TypeError},
		"challenge empty":                  {`{"challenge":""}`, TypeError},
		"rpId a number":                    {with(leastRequest, `"rpId":1`), TypeError},
		"prf by credential, none allowed":  {with(leastRequest, `"extensions":{"prf":{"evalByCredential":{"AQ":{"first":"AA"}}}}`), NotSupportedError},
		"prf by another credential":        {allow(`"extensions":{"prf":{"evalByCredential":{"Ag":{"first":"AA"}}}}`), SyntaxError},
		"prf by an empty ID":               {allow(`"extensions":{"prf":{"evalByCredential":{"":{"first":"AA"}}}}`), SyntaxError},
		"prf by what is no ID":             {allow(`"extensions":{"prf":{"evalByCredential":{"\u001b[2J":{"first":"AA"}}}}`), SyntaxError},
		"prf by credential, without first": {allow(`"extensions":{"prf":{"evalByCredential":{"AQ":{"second":"AA"}}}}`), TypeError},
		"large blob support":               {allow(`"extensions":{"largeBlob":{"support":"required"}}`), NotSupportedError},
		"large blob read and write":        {allow(`"extensions":{"largeBlob":{"read":false,"write":"AA"}}`), NotSupportedError},
		"large blob write, none allowed":   {with(leastRequest, `"extensions":{"largeBlob":{"write":"AA"}}`), NotSupportedError},
		"large blob write, two allowed":    {with(leastRequest, `"allowCredentials":[{"type":"public-key","id":"AQ"},{"type":"public-key","id":"Ag"}],"extensions":{"largeBlob":{"write":"AA"}}`), NotSupportedError},
		"large blob too large":             {allow(`"extensions":{"largeBlob":{"write":"` + repeat("AAAA", ctap2.MaxLargeBlobSize/3+1) + `"}}`), TypeError},
		"too many prf inputs":              {allow(`"extensions":{"prf":{"evalByCredential":{` + manyMembers(maxList+1) + `}}}`), TypeError},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ParseRequestOptions([]byte(c.in))
			if o != nil {
				t.Errorf("%s", plain(o))
			}
			wantError(t, err, c.want, nil)
		})
	}
}

func manyMembers(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf(`"%04d":{"first":"AA"}`, i))
	}
	return strings.Join(s, ",")
}
