package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestN1_ATestNoticeIsSentToEachReceiver(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuses" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body)+" "+r.Header.Get("Clickstream-Signature")[:2])
	}))
	defer server.Close()
	t.Setenv(envNotifySecret, "a secret")
	status, out, errOut := run(t, "alerts", "test-notify", "--notify-webhook", server.URL+"/hook?token=plugh", "--notify-slack", server.URL+"/xyzzy")
	want := "webhook (webhook, " + server.URL + ") has it\nslack (slack, " + server.URL + ") has it\n"
	if status != exitDone || out != want || errOut != "" {
		t.Errorf("status %d, %s%s, want %s", status, out, errOut, want)
	}
	if len(bodies) != 2 || !strings.HasPrefix(bodies[0], `{"version":1,"notice":"test",`) || !strings.HasPrefix(bodies[1], `{"text":"A test notice`) || !strings.HasSuffix(bodies[0], " t=") {
		t.Errorf("got %v", bodies)
	}
	status, out, errOut = run(t, "alerts", "test-notify", "--output", "json", "--notify-webhook", "ops="+server.URL+"/hook", "--notify-webhook", "bad="+server.URL+"/refuses")
	if status != exitFailed || !strings.Contains(out, `"receiver":"ops (webhook, `) || !strings.Contains(out, `"sent":false,"reason":"answered 400"`) {
		t.Errorf("status %d, %s%s", status, out, errOut)
	}
}

func TestN1_WrongReceiversAreReportedTogetherAndWithoutTheirURLs(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"serve": {"serve", "--data-dir", t.TempDir()}, "test-notify": {"alerts", "test-notify"},
	} {
		status, _, errOut := run(t, append(args, "--notify-webhook", "hooks.example.com/xyzzy", "--notify-slack", "Bad Name=https://h/xyzzy", "--notify-secret-file", empty, "--notify-max-age", "-1h")...)
		for _, want := range []string{`receiver "webhook": its URL is not an http`, `receiver "Bad Name": give it a name`, "notify-secret-file " + empty + " is empty", "notify-max-age -1h: give a positive"} {
			if status != exitUsage || !strings.Contains(errOut, want) {
				t.Errorf("%s: status %d, no %q in %s", name, status, want, errOut)
			}
		}
		if strings.Contains(errOut, "xyzzy") {
			t.Errorf("%s shows a URL: %s", name, errOut)
		}
	}
	if status, _, errOut := run(t, "alerts", "test-notify"); status != exitUsage || !strings.Contains(errOut, "there is no receiver") {
		t.Errorf("status %d, %s", status, errOut)
	}
	if status, _, errOut := run(t, "serve", "--data-dir", t.TempDir(), "--roles", "notifier"); status != exitUsage || !strings.Contains(errOut, "the role notifier has no receiver") {
		t.Errorf("status %d, %s", status, errOut)
	}
}
