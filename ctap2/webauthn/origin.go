package webauthn

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// An origin is a tuple origin whose host is a domain (HTML section 7.1.1).
type origin struct {
	scheme string // "https", or "http" on this machine
	host   string // in ASCII and lower case
	port   int    // zero: the scheme's own
}

// String returns the serialisation of the origin, which client data has.
func (o origin) String() string {
	if o.port == 0 {
		return o.scheme + "://" + o.host
	}
	return o.scheme + "://" + o.host + ":" + strconv.Itoa(o.port)
}

// maxDomain is the longest domain that there is (RFC 1035 section 2.3.4).
const maxDomain = 253

// maxOrigin is room for a scheme, a domain in Unicode and a port.
const maxOrigin = 4096

var (
	errNotOrigin   = errors.New("it must be https://, a domain and perhaps a port, and nothing else")
	errInsecure    = errors.New("it must begin with https://; http:// is good for localhost only")
	errDomain      = errors.New("its host is not a domain")
	errIPAddress   = errors.New("its host is an IP address, and passkeys belong to domains")
	errTrailingDot = errors.New("its host ends with a dot")
)

var defaultPort = map[string]int{"https": 443, "http": 80}

// parseOrigin reads an origin that may claim a relying party ID: its host is a
// domain, and it is potentially trustworthy (Secure Contexts section 3.1).
func parseOrigin(s string) (o origin, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || len(s) > maxOrigin {
		return o, errNotOrigin
	}
	o.scheme = strings.ToLower(scheme)
	if defaultPort[o.scheme] == 0 {
		return o, errInsecure
	}
	if strings.HasPrefix(rest, "[") {
		return o, errIPAddress
	}
	host, port, hasPort := strings.Cut(rest, ":")
	if hasPort {
		if strings.Trim(port, "0123456789") != "" {
			return o, errNotOrigin
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 { // nothing listens there
			return o, errNotOrigin
		}
		if o.port = int(n); o.port == defaultPort[o.scheme] {
			o.port = 0
		}
	}
	if strings.ContainsAny(host, `/?#@\%`) {
		return o, errNotOrigin
	}
	if o.host, err = parseDomain(host); err != nil {
		return o, err
	}
	if o.scheme != "https" && o.host != "localhost" && !strings.HasSuffix(o.host, ".localhost") {
		return o, errInsecure
	}
	return o, nil
}

// originOfURL returns the origin of a URL.
func originOfURL(s string) (o origin, err error) {
	if len(s) > maxOrigin {
		return o, errNotOrigin
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" {
		return o, errNotOrigin // the error repeats the URL
	}
	return parseOrigin(u.Scheme + "://" + u.Host)
}

// toASCII is the processing that the URL standard asks of hosts: names that are in
// use break the stricter rules of registries.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.BidiRule(), idna.CheckJoiners(true))

// parseDomain returns a domain in its canonical form, A-labels in lower case.
func parseDomain(s string) (string, error) {
	if len(s) > maxOrigin || !utf8.ValidString(s) {
		return "", errDomain
	}
	d, err := toASCII.ToASCII(s)
	if err != nil {
		return "", errDomain
	}
	if strings.HasSuffix(d, ".") {
		return "", errTrailingDot
	}
	if d == "" || len(d) > maxDomain {
		return "", errDomain
	}
	var label string
	for label = range strings.SplitSeq(d, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", errDomain
		}
	}
	if isNumber(label) {
		return "", errIPAddress
	}
	return d, nil
}

// isNumber reports whether a host whose last label this is counts as an IPv4
// address, as the URL standard has it (section 3.5).
func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
