package webauthn

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"

	"github.com/gofido/fido/ctap2"
)

// The bounds of what is read from a site.
const (
	// MaxOptions is the size of options, in bytes: room for the largest large blob.
	MaxOptions = 2 << 20

	maxList = 1024    // members of a list
	maxText = 8192    // bytes of a text
	maxData = 1 << 16 // bytes of binary data, but for a large blob
)

// A jsonObject is an object from a site, read as a browser does: the names of
// members are what they are, case included, which encoding/json sees otherwise;
// the last of two wins; unknown ones are ignored. Null counts as absent, since
// servers send it for that. After the first member that is wrong the rest reads as
// absent.
type jsonObject struct {
	path    string // of the object, for messages; ends with a dot unless it is empty
	members map[string]json.RawMessage
	err     *error // the first
}

// readObject reads the outermost object.
func readObject(b []byte, err *error) jsonObject {
	if len(b) > MaxOptions {
		*err = fail(TypeError, "the site's options have more than %d bytes", MaxOptions)
		return jsonObject{err: err}
	}
	o := jsonObject{err: err}
	o.decode("options", b, &o.members)
	if o.members["publicKey"] != nil && o.members["challenge"] == nil {
		return o.object("publicKey")
	}
	return o
}

// unmarshal is UnmarshalJSON of what parse reads.
func unmarshal[T any](v *T, b []byte, parse func([]byte) (*T, error)) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	read, err := parse(b)
	if err == nil {
		*v = *read
	}
	return err
}

// decode decodes a value and says whether it has the type.
func (o jsonObject) decode(path string, b []byte, v any) bool {
	if *o.err == nil && json.Unmarshal(b, v) != nil {
		*o.err = fail(TypeError, "the site's options are not as they must be: %s", path)
	}
	return *o.err == nil
}

// get returns a member, nil if it is absent.
func (o jsonObject) get(name string) json.RawMessage {
	b := o.members[name]
	if *o.err != nil || bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		return nil
	}
	return b
}

func (o jsonObject) has(name string) bool { return o.get(name) != nil }

// require says that a member must be there.
func (o jsonObject) require(names ...string) {
	for _, name := range names {
		if *o.err == nil && !o.has(name) {
			*o.err = fail(TypeError, "the site's options lack %s", o.path+name)
		}
	}
}

// object returns a member that is an object; without members if it is absent, or a
// list: to a browser that is an object without them, and PHP writes an empty one so.
func (o jsonObject) object(name string) jsonObject {
	of := jsonObject{path: o.path + name + ".", err: o.err}
	if b := bytes.TrimSpace(o.get(name)); len(b) > 0 && b[0] != '[' {
		o.decode(o.path+name, b, &of.members)
	}
	return of
}

// objects returns a member that is a list of objects.
func (o jsonObject) objects(name string) (list []jsonObject) {
	for _, b := range o.list(name) {
		of := jsonObject{path: o.path + name + ".", err: o.err}
		if !o.decode(o.path+name, b, &of.members) {
			return nil
		}
		list = append(list, of)
	}
	return list
}

func (o jsonObject) list(name string) (list []json.RawMessage) {
	b := o.get(name)
	if b == nil || !o.decode(o.path+name, b, &list) {
		return nil
	}
	if len(list) > maxList {
		*o.err = fail(TypeError, "the site's options have too many %s: %d", o.path+name, len(list))
		return nil
	}
	return list
}

func (o jsonObject) text(name string) (s string) {
	if b := o.get(name); b != nil {
		o.checkText(name, b, &s)
	}
	return s
}

func (o jsonObject) checkText(name string, b []byte, s *string) bool {
	if o.decode(o.path+name, b, s) && len(*s) > maxText {
		*s, *o.err = "", fail(TypeError, "the site's options are not as they must be: %s is too long", o.path+name)
	}
	return *o.err == nil
}

func (o jsonObject) texts(name string) (list []string) {
	for _, b := range o.list(name) {
		var s string
		if !o.checkText(name, b, &s) {
			return nil
		}
		list = append(list, s)
	}
	return list
}

func (o jsonObject) flag(name string) (v bool) {
	if b := o.get(name); b != nil {
		o.decode(o.path+name, b, &v)
	}
	return v
}

func (o jsonObject) number(name string) (n float64) {
	if b := o.get(name); b != nil {
		o.decode(o.path+name, b, &n)
	}
	return n
}

// integer reads a member that WebIDL calls a long.
func (o jsonObject) integer(name string) int32 {
	n := o.number(name)
	if *o.err == nil && (n != math.Trunc(n) || n < math.MinInt32 || n > math.MaxInt32) {
		*o.err = fail(TypeError, "the site's options are not as they must be: %s is no integer", o.path+name)
		return 0
	}
	return int32(n)
}

// data reads binary data; nil if it is absent.
func (o jsonObject) data(name string, most int) []byte {
	b := o.get(name)
	var s string
	if b == nil || !o.decode(o.path+name, b, &s) {
		return nil
	}
	data, ok := decodeBase64URL(s)
	switch {
	case !ok:
		*o.err = fail(EncodingError, "the site's options are not as they must be: %s is not base64url", o.path+name)
	case len(data) > most:
		*o.err = fail(TypeError, "the site's options are not as they must be: %s is too long", o.path+name)
	default:
		return data
	}
	return nil
}

// decodeBase64URL decodes base64url with or without its padding: WebAuthn has none,
// and servers that send some are understood. The result is not nil.
func decodeBase64URL(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") { // which Go's decoder skips
		return nil, false
	}
	encoding := base64.RawURLEncoding
	if strings.HasSuffix(s, "=") {
		encoding = base64.URLEncoding
	}
	b, err := encoding.DecodeString(s)
	return b, err == nil
}

// base64URL is binary data that JSON has as base64url without padding.
type base64URL []byte

func (b base64URL) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// descriptors reads a list of credentials.
func (o jsonObject) descriptors(name string) (list []ctap2.PublicKeyCredentialDescriptor) {
	for _, d := range o.objects(name) {
		d.require("id", "type")
		list = append(list, ctap2.PublicKeyCredentialDescriptor{ID: d.data("id", maxData), Type: d.text("type"), Transports: d.texts("transports")})
	}
	return list
}

// hints reads the hints that are known.
func (o jsonObject) hints() (list []Hint) {
	for _, s := range o.texts("hints") {
		list = append(list, Hint(s))
	}
	return knownHints(list)
}

type descriptorJSON struct {
	ID         base64URL `json:"id"`
	Type       string    `json:"type"`
	Transports []string  `json:"transports,omitempty"`
}

func descriptorsJSON(list []ctap2.PublicKeyCredentialDescriptor) (of []descriptorJSON) {
	for _, d := range list {
		of = append(of, descriptorJSON{d.ID, cmp.Or(d.Type, ctap2.TypePublicKey), d.Transports})
	}
	return of
}
