package webauthn

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/gofido/fido/ctap2"
)

// creationExtensions reads the inputs for a new credential.
func (o jsonObject) creationExtensions() CreationExtensions {
	e := CreationExtensions{
		AppIDExclude:        o.text("appidExclude"),
		CredProps:           o.flag("credProps"),
		PRF:                 o.prf(),
		EnforceCredProtect:  o.flag("enforceCredentialProtectionPolicy"),
		CredBlob:            o.data("credBlob", maxData),
		MinPINLength:        o.flag("minPinLength"),
		PINComplexityPolicy: o.flag("pinComplexityPolicy"),
	}
	if o.has("largeBlob") {
		blob := o.object("largeBlob")
		blob.refuse("read", "write")
		if e.LargeBlob = ctap2.LargeBlobPreferred; blob.text("support") == string(ctap2.LargeBlobRequired) {
			e.LargeBlob = ctap2.LargeBlobRequired
		}
	}
	if policy := o.text("credentialProtectionPolicy"); policy != "" {
		for level := ctap2.CredProtectUVOptional; level <= ctap2.CredProtectUVRequired; level++ {
			if level.String() == policy {
				e.CredProtect = level
			}
		}
		if e.CredProtect == 0 && e.EnforceCredProtect && *o.err == nil {
			*o.err = fail(NotSupportedError, "the site insists on the unknown credentialProtectionPolicy %s", quote(policy))
		}
	}
	return e
}

// requestExtensions reads the inputs for an assertion.
func (o jsonObject) requestExtensions() RequestExtensions {
	e := RequestExtensions{AppID: o.text("appid"), PRF: o.prf(), GetCredBlob: o.flag("getCredBlob")}
	if o.has("largeBlob") {
		blob := o.object("largeBlob")
		blob.refuse("support")
		if blob.has("read") {
			blob.refuse("write")
		}
		e.LargeBlob = &LargeBlobInputs{Read: blob.flag("read"), Write: blob.data("write", ctap2.MaxLargeBlobSize)}
		if !e.LargeBlob.Read && e.LargeBlob.Write == nil {
			e.LargeBlob = nil
		}
	}
	return e
}

// refuse says that members have no place here.
func (o jsonObject) refuse(names ...string) {
	for _, name := range names {
		if *o.err == nil && o.has(name) {
			*o.err = fail(NotSupportedError, "the site's options ask for what there is not: %s", o.path+name)
		}
	}
}

func (o jsonObject) prf() *PRFInputs {
	if !o.has("prf") {
		return nil
	}
	p, by := o.object("prf"), o.object("prf").object("evalByCredential")
	in := &PRFInputs{Eval: p.prfValues("eval")}
	if len(by.members) > maxList && *o.err == nil {
		*o.err = fail(TypeError, "the site's options have too many %s: %d", p.path+"evalByCredential", len(by.members))
	}
	for _, name := range slices.Sorted(maps.Keys(by.members)) { // "AA" and "AA==" are one credential
		id, ok := decodeBase64URL(name)
		if (!ok || len(id) == 0) && *o.err == nil {
			*o.err = fail(SyntaxError, "the site's options are not as they must be: a name in %s is no credential ID", p.path+"evalByCredential")
		}
		v := by.prfValues(name)
		if *o.err != nil {
			return nil
		}
		if in.EvalByCredential == nil {
			in.EvalByCredential = make(map[string]PRFValues)
		}
		if v != nil {
			in.EvalByCredential[string(id)] = *v
		}
	}
	return in
}

// prfValues reads one or two inputs; nil if they are absent.
func (o jsonObject) prfValues(name string) *PRFValues {
	if !o.has(name) {
		return nil
	}
	of := o.object(name)
	of.path = o.path + "*." // a credential ID is no text for people
	of.require("first")
	return &PRFValues{First: of.data("first", maxData), Second: of.data("second", maxData)}
}

// check judges the inputs together.
func (e *CreationExtensions) check() error {
	switch {
	case e.PRF != nil && len(e.PRF.EvalByCredential) > 0:
		return fail(NotSupportedError, "the site asks for prf.evalByCredential, which is for logins only")
	case e.LargeBlob != "" && e.LargeBlob != ctap2.LargeBlobRequired && e.LargeBlob != ctap2.LargeBlobPreferred:
		return fail(NotSupportedError, "the site asks for the unknown largeBlob.support %s", quote(string(e.LargeBlob)))
	case e.CredProtect > ctap2.CredProtectUVRequired:
		return fail(NotSupportedError, "the site asks for the unknown %v", e.CredProtect)
	}
	return nil
}

func (e *RequestExtensions) check(allowed []ctap2.PublicKeyCredentialDescriptor) error {
	if e.PRF != nil && len(e.PRF.EvalByCredential) > 0 {
		if len(allowed) == 0 {
			return fail(NotSupportedError, "the site asks for prf.evalByCredential without allowCredentials")
		}
		ids := make(map[string]bool, len(allowed))
		for _, d := range allowed {
			ids[string(d.ID)] = true
		}
		for id := range e.PRF.EvalByCredential {
			if !ids[id] {
				return fail(SyntaxError, "the site asks for prf.evalByCredential of a credential that is not in allowCredentials")
			}
		}
	}
	switch b := e.LargeBlob; {
	case b == nil || b.Write == nil:
	case b.Read:
		return fail(NotSupportedError, "the site asks to read and to write the large blob at once")
	case len(allowed) != 1:
		return fail(NotSupportedError, "the site asks to write a large blob, which takes exactly one credential in allowCredentials")
	}
	return nil
}

type creationExtensionsJSON struct {
	AppIDExclude        string         `json:"appidExclude,omitempty"`
	CredProps           bool           `json:"credProps,omitempty"`
	PRF                 *prfJSON       `json:"prf,omitempty"`
	LargeBlob           *largeBlobJSON `json:"largeBlob,omitempty"`
	CredProtect         string         `json:"credentialProtectionPolicy,omitempty"`
	EnforceCredProtect  bool           `json:"enforceCredentialProtectionPolicy,omitempty"`
	CredBlob            base64URL      `json:"credBlob,omitzero"`
	MinPINLength        bool           `json:"minPinLength,omitempty"`
	PINComplexityPolicy bool           `json:"pinComplexityPolicy,omitempty"`
}

func (e *CreationExtensions) json() creationExtensionsJSON {
	of := creationExtensionsJSON{
		AppIDExclude: e.AppIDExclude, CredProps: e.CredProps, PRF: e.PRF.json(),
		EnforceCredProtect: e.EnforceCredProtect, CredBlob: e.CredBlob, MinPINLength: e.MinPINLength,
		PINComplexityPolicy: e.PINComplexityPolicy,
	}
	if e.LargeBlob != "" {
		of.LargeBlob = &largeBlobJSON{Support: e.LargeBlob}
	}
	if e.CredProtect != 0 {
		of.CredProtect = e.CredProtect.String()
	}
	return of
}

type requestExtensionsJSON struct {
	AppID       string         `json:"appid,omitempty"`
	PRF         *prfJSON       `json:"prf,omitempty"`
	LargeBlob   *largeBlobJSON `json:"largeBlob,omitempty"`
	GetCredBlob bool           `json:"getCredBlob,omitempty"`
}

func (e *RequestExtensions) json() requestExtensionsJSON {
	of := requestExtensionsJSON{AppID: e.AppID, PRF: e.PRF.json(), GetCredBlob: e.GetCredBlob}
	if b := e.LargeBlob; b != nil {
		of.LargeBlob = &largeBlobJSON{Read: b.Read, Write: b.Write}
	}
	return of
}

type largeBlobJSON struct {
	Support ctap2.LargeBlobSupport `json:"support,omitempty"`
	Read    bool                   `json:"read,omitempty"`
	Write   base64URL              `json:"write,omitzero"`
}

type prfJSON struct {
	Eval             *prfValuesJSON           `json:"eval,omitempty"`
	EvalByCredential map[string]prfValuesJSON `json:"evalByCredential,omitempty"`
}

type prfValuesJSON struct {
	First  base64URL `json:"first"`
	Second base64URL `json:"second,omitzero"`
}

func (p *PRFInputs) json() *prfJSON {
	if p == nil {
		return nil
	}
	of := &prfJSON{Eval: p.Eval.json()}
	for id, v := range p.EvalByCredential {
		if of.EvalByCredential == nil {
			of.EvalByCredential = make(map[string]prfValuesJSON)
		}
		of.EvalByCredential[base64.RawURLEncoding.EncodeToString([]byte(id))] = *v.json()
	}
	return of
}

func (v *PRFValues) json() *prfValuesJSON {
	if v == nil {
		return nil
	}
	return &prfValuesJSON{v.First, v.Second}
}

type prfOutputsJSON struct {
	Enabled *bool          `json:"enabled,omitempty"`
	Results *prfValuesJSON `json:"results,omitempty"`
}

func (p *PRFOutputs) json() *prfOutputsJSON {
	if p == nil {
		return nil
	}
	return &prfOutputsJSON{p.Enabled, p.Results.json()}
}

type largeBlobOutputsJSON struct {
	Supported *bool     `json:"supported,omitempty"`
	Blob      base64URL `json:"blob,omitzero"`
	Written   *bool     `json:"written,omitempty"`
}

func (l *LargeBlobOutputs) json() *largeBlobOutputsJSON {
	if l == nil {
		return nil
	}
	return &largeBlobOutputsJSON{l.Supported, l.Blob, l.Written}
}

type credPropsJSON struct {
	RK *bool `json:"rk,omitempty"`
}

// MarshalJSON returns the member clientExtensionResults of a registration. It has
// secrets if it has results of prf.
func (e CreationExtensionOutputs) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		AppIDExclude *bool                 `json:"appidExclude,omitempty"`
		CredProps    *credPropsJSON        `json:"credProps,omitempty"`
		PRF          *prfOutputsJSON       `json:"prf,omitempty"`
		LargeBlob    *largeBlobOutputsJSON `json:"largeBlob,omitempty"`
		CredBlob     *bool                 `json:"credBlob,omitempty"`
	}{e.AppIDExclude, (*credPropsJSON)(e.CredProps), e.PRF.json(), e.LargeBlob.json(), e.CredBlob})
}

// MarshalJSON returns the member clientExtensionResults of a login. It has secrets
// if it has results of prf.
func (e RequestExtensionOutputs) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		AppID     *bool                 `json:"appid,omitempty"`
		PRF       *prfOutputsJSON       `json:"prf,omitempty"`
		LargeBlob *largeBlobOutputsJSON `json:"largeBlob,omitempty"`
		CredBlob  base64URL             `json:"getCredBlob,omitzero"`
	}{e.AppID, e.PRF.json(), e.LargeBlob.json(), e.CredBlob})
}
