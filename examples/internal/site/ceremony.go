package site

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Registration says which credential the site wants. The names and the values are
// those of PublicKeyCredentialCreationOptions (WebAuthn L3 section 5.4); what is
// empty is left to the client.
type Registration struct {
	User                    string          `json:"user"`
	DisplayName             string          `json:"displayName,omitempty"` // "": the user's name
	UserVerification        string          `json:"userVerification,omitempty"`
	ResidentKey             string          `json:"residentKey,omitempty"`
	AuthenticatorAttachment string          `json:"authenticatorAttachment,omitempty"`
	Attestation             string          `json:"attestation,omitempty"`
	Algorithms              []int64         `json:"algorithms,omitempty"` // COSE; nil: all that the site knows
	Extensions              json.RawMessage `json:"extensions,omitempty"` // AuthenticationExtensionsClientInputsJSON
}

// Login says how the site wants somebody to log in, as [Registration] does.
type Login struct {
	User             string          `json:"user,omitempty"` // "": whoever the passkey belongs to
	UserVerification string          `json:"userVerification,omitempty"`
	Extensions       json.RawMessage `json:"extensions,omitempty"`
}

// A Ceremony is a registration or a login between its options and its response.
type Ceremony struct {
	// Options is the JSON for the client: {"publicKey": …}.
	Options []byte

	finish func(response []byte) (*Report, error)
	used   atomic.Bool
}

// Finish judges the client's response, a RegistrationResponseJSON or an
// AuthenticationResponseJSON, and takes in what it says. A challenge is good for
// one response, right or wrong.
func (c *Ceremony) Finish(response []byte) (*Report, error) {
	if c.used.Swap(true) {
		return nil, refuse(http.StatusBadRequest, nil, "this challenge has been answered: begin again")
	}
	return c.finish(response)
}

func newCeremony(options any, finish func([]byte) (*Report, error)) (*Ceremony, error) {
	b, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return &Ceremony{Options: b, finish: finish}, nil
}

// BeginRegistration begins to register a key, for somebody new or for who has
// keys already, which are then excluded.
//
// Whoever calls it has to know that it is this user who asks: [Site.Handler] lets
// only those who have logged in add a key to an account that there is.
func (s *Site) BeginRegistration(r Registration) (*Ceremony, error) {
	user, err := s.userOrNew(r.User, r.DisplayName)
	if err != nil {
		return nil, err
	}
	options := []webauthn.RegistrationOption{
		webauthn.WithExclusions(descriptors(user)),
		webauthn.WithConveyancePreference(protocol.ConveyancePreference(r.Attestation)),
		webauthn.WithAuthenticatorSelection(selection(r)),
	}
	if r.Algorithms != nil {
		list, err := parameters(r.Algorithms)
		if err != nil {
			return nil, err
		}
		options = append(options, webauthn.WithCredentialParameters(list))
	}
	if extensions, err := extensionInputs(r.Extensions); err != nil {
		return nil, err
	} else if extensions != nil {
		options = append(options, webauthn.WithExtensions(webauthn.WithExtensionInputs(*extensions)))
	}
	creation, session, err := s.rp.BeginRegistration(user, options...)
	if err != nil {
		return nil, refuseAs(http.StatusBadRequest, err, "the site can't ask for that")
	}
	return newCeremony(creation, func(response []byte) (*Report, error) {
		parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
		if err != nil {
			return nil, refuseAs(http.StatusBadRequest, err, "the site can't read the response")
		}
		credential, err := s.rp.CreateCredential(user, *session, parsed)
		if err != nil {
			return nil, refuseAs(http.StatusForbidden, err, "the site does not accept the credential")
		}
		if err := s.store(user, *credential); err != nil {
			return nil, err
		}
		return registrationReport(user, credential, parsed), nil
	})
}

// BeginLogin begins a login: of the user who is named, with one of the keys that
// the account has, or of whoever has a passkey.
func (s *Site) BeginLogin(l Login) (*Ceremony, error) {
	options := []webauthn.LoginOption{webauthn.WithUserVerification(protocol.UserVerificationRequirement(l.UserVerification))}
	if extensions, err := extensionInputs(l.Extensions); err != nil {
		return nil, err
	} else if extensions != nil {
		options = append(options, webauthn.WithAssertionExtensions(webauthn.WithExtensionInputs(*extensions)))
	}
	var assertion *protocol.CredentialAssertion
	var session *webauthn.SessionData
	var err error
	var user *User
	if l.User == "" {
		assertion, session, err = s.rp.BeginDiscoverableLogin(options...)
	} else {
		var ok bool
		if user, ok = s.user(l.User); !ok {
			// A site whose users are nobody's business would not tell, but invent
			// credentials for the list.
			return nil, refuse(http.StatusNotFound, nil, "nobody has registered as %s", l.User)
		}
		assertion, session, err = s.rp.BeginLogin(user, options...)
	}
	if err != nil {
		return nil, refuseAs(http.StatusBadRequest, err, "the site can't ask for that")
	}
	return newCeremony(assertion, func(response []byte) (*Report, error) {
		parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
		if err != nil {
			return nil, refuseAs(http.StatusBadRequest, err, "the site can't read the response")
		}
		var credential *webauthn.Credential
		if user == nil {
			_, credential, err = s.rp.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
				var ok bool
				if user, ok = s.userByHandle(handle); !ok {
					return nil, refuse(http.StatusForbidden, nil, "the passkey belongs to nobody here")
				}
				return user, nil
			}, *session, parsed)
		} else {
			credential, err = s.rp.ValidateLogin(user, *session, parsed)
		}
		if err != nil {
			return nil, refuseAs(http.StatusForbidden, err, "the site does not accept the login")
		}
		report := loginReport(user, credential, parsed)
		credential.Authenticator.CloneWarning = false // which was about this login
		return report, s.store(user, *credential)     // its counter has moved
	})
}

func descriptors(u *User) []protocol.CredentialDescriptor {
	out := make([]protocol.CredentialDescriptor, len(u.Credentials))
	for i := range u.Credentials {
		out[i] = u.Credentials[i].Descriptor()
	}
	return out
}

func selection(r Registration) protocol.AuthenticatorSelection {
	return protocol.AuthenticatorSelection{
		AuthenticatorAttachment: protocol.AuthenticatorAttachment(r.AuthenticatorAttachment),
		ResidentKey:             protocol.ResidentKeyRequirement(r.ResidentKey),
		RequireResidentKey:      new(r.ResidentKey == string(protocol.ResidentKeyRequirementRequired)), // for clients of Level 1
		UserVerification:        protocol.UserVerificationRequirement(r.UserVerification),
	}
}

// parameters are what the site takes of these algorithms, in their order.
func parameters(algorithms []int64) ([]protocol.CredentialParameter, error) {
	known := webauthn.CredentialParametersDefault()
	out := make([]protocol.CredentialParameter, len(algorithms))
	for i, a := range algorithms {
		k := slices.IndexFunc(known, func(p protocol.CredentialParameter) bool { return int64(p.Algorithm) == a })
		if k < 0 {
			return nil, refuse(http.StatusBadRequest, nil, "the site does not know the algorithm %d", a)
		}
		out[i] = known[k]
	}
	return out, nil
}

// extensionInputs reads the extensions that the site is to ask for; nil if none.
func extensionInputs(b json.RawMessage) (*protocol.AuthenticationExtensions, error) {
	if len(b) == 0 {
		return nil, nil
	}
	e := new(protocol.AuthenticationExtensions)
	if err := json.Unmarshal(b, e); err != nil {
		return nil, refuse(http.StatusBadRequest, err, "the extensions are not what they should be: %v", err)
	}
	return e, nil
}
