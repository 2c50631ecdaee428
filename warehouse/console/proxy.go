package console

import (
	"crypto/subtle"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
)

// maxQuery bounds the text of a query.
const maxQuery = 1 << 20

// script is a page's script. The pages ask for them by absolute path, without
// the token; they are the same for everybody and hold nothing.
var script = regexp.MustCompile(`^/js/[A-Za-z0-9._-]+\.js$`)

// gate forwards the requests that the package promises and answers 404 to all
// others, with no reason.
func (c *Console) gate(proxy *httputil.ReverseProxy) http.Handler {
	_, port, _ := strings.Cut(strings.TrimPrefix(c.origin, "http://"), ":")
	hosts := map[string]bool{"127.0.0.1:" + port: true, "localhost:" + port: true}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		if !hosts[r.Host] {
			http.Error(w, "the console is not served under this host name", http.StatusForbidden)
			return
		}
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		token, page, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case r.Method == http.MethodOptions && r.URL.Path == "/":
			// /play checks in this way whether there is a server.
			w.WriteHeader(http.StatusNoContent)
		case reads && script.MatchString(r.URL.Path):
			forward(proxy, w, r, r.URL.Path, false)
		case subtle.ConstantTimeCompare([]byte(token), []byte(c.token)) != 1:
			http.NotFound(w, r)
		case reads && (page == "play" || page == "dashboard"):
			forward(proxy, w, r, "/"+page, false)
		case reads && c.short[page] != "":
			http.Redirect(w, r, c.short[page], http.StatusFound)
		case page == "" && (r.Method == http.MethodPost || reads && r.URL.Query().Has("query")):
			r.Body = http.MaxBytesReader(w, r.Body, maxQuery)
			forward(proxy, w, r, "/", true)
		default:
			http.NotFound(w, r)
		}
	})
}

// forward sends a request to the proxy with the path at ClickHouse and, for a
// query, the parameters that queryParameters keeps.
func forward(proxy *httputil.ReverseProxy, w http.ResponseWriter, r *http.Request, path string, query bool) {
	out := r.Clone(r.Context())
	parameters := ""
	if query {
		parameters = queryParameters(r.URL.Query()).Encode()
	}
	out.URL = &url.URL{Path: path, RawQuery: parameters}
	proxy.ServeHTTP(w, out)
}

// queryParameters keeps what says which query is meant and how it is answered.
// Users, passwords, sessions, roles and settings of ClickHouse are dropped;
// the pages send some that a read-only user may not set.
func queryParameters(sent url.Values) url.Values {
	kept := url.Values{}
	for name, values := range sent {
		switch name {
		case "query", "database", "default_format", "query_id":
			kept[name] = values[:1]
		default:
			if strings.HasPrefix(name, "param_") {
				kept[name] = values[:1]
			}
		}
	}
	// The user can only read. Should the console be given a user that can do
	// more, its queries still cannot, and no query can change this setting.
	kept.Set("readonly", "1")
	return kept
}

func newProxy(target *url.URL, o Options) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:     o.Transport,
		FlushInterval: -1, // /play shows progress as it comes
		Rewrite: func(r *httputil.ProxyRequest) {
			path, parameters := r.In.URL.Path, r.In.URL.Query()
			// Nothing of the page's headers is needed, and several name users.
			// Without its Content-Type a body can only be a query: ClickHouse
			// takes a form's fields for parameters.
			r.Out.Header = http.Header{"User-Agent": {"clickstream-console"}}
			r.Out.Host = target.Host
			if path == "/" {
				r.Out.Header.Set("X-ClickHouse-User", o.User)
				r.Out.Header.Set("X-ClickHouse-Key", o.Password)
				if o.Database != "" && !parameters.Has("database") {
					parameters.Set("database", o.Database)
				}
			}
			r.Out.URL = &url.URL{Scheme: target.Scheme, Host: target.Host, Path: path, RawQuery: parameters.Encode()}
		},
		ModifyResponse: func(r *http.Response) error {
			for name := range r.Header {
				if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" || name == "Www-Authenticate" {
					r.Header.Del(name)
				}
			}
			// guard has set these already; they would be sent twice.
			for name := range guards {
				r.Header.Del(name)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				o.Log.Warn().Err(err).Msg("console: ClickHouse is unreachable")
			}
			http.Error(w, "ClickHouse is unreachable", http.StatusBadGateway)
		},
	}
}

// guards are headers that keep the address, and so the token, from being sent to
// other sites, and the pages from being shown inside other pages or sending
// queries to other addresses.
var guards = map[string]string{
	"Referrer-Policy":         "no-referrer",
	"X-Frame-Options":         "DENY",
	"X-Content-Type-Options":  "nosniff",
	"Content-Security-Policy": "frame-ancestors 'none'; connect-src 'self'; form-action 'self'",
	"Cache-Control":           "no-store",
}

func guard(h http.Header) {
	for name, value := range guards {
		h.Set(name, value)
	}
}
