package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/verifytest"
	"github.com/yoozak/clients/verify"
)

// A service of orders that lets customers in who are logged in to the shop.
func Example() {
	accounts, token := exampleServer() // in reality: https://accounts.shop.example
	defer accounts.Close()

	ctx, stop := context.WithCancel(context.Background()) // until the service stops
	defer stop()
	v, err := verify.New(ctx, verify.Options{
		KeySetURL: accounts.URL + "/.well-known/jwks.json",
		Issuer:    "yoozak",
	})
	if err != nil {
		panic(err)
	}
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := verify.UserFrom(r.Context()) // there is one, behind v.Handler
		_, _ = fmt.Fprintf(w, "orders of customer %d", user.ID)
	})
	service := httptest.NewServer(v.Handler(orders))
	defer service.Close()

	for _, header := range []string{"Bearer " + token, ""} {
		req, _ := http.NewRequest(http.MethodGet, service.URL, nil)
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		fmt.Println(res.StatusCode, string(body))
	}
	// Output:
	// 200 orders of customer 42
	// 401 {"detail":"The access token is missing or not valid.","code":"token_not_valid"}
}

// Without net/http's handlers: a WebSocket whose first message is the token, a
// job in a queue.
func ExampleVerifier_Verify() {
	accounts, token := exampleServer()
	defer accounts.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	v, err := verify.New(ctx, verify.Options{KeySetURL: accounts.URL, Issuer: "yoozak"})
	if err != nil {
		panic(err)
	}

	user, err := v.Verify(ctx, token)
	var unavailable *verify.UnavailableError
	switch {
	case errors.As(err, &unavailable):
		fmt.Println("nothing is known of the token: try again in", unavailable.RetryAfter)
	case errors.Is(err, verify.ErrToken):
		fmt.Println("log in, please")
	case err == nil:
		fmt.Println("customer", user.ID)
	}
	// Output: customer 42
}

// exampleServer is a key set, and a token that its key signed.
func exampleServer() (*httptest.Server, string) {
	tb := new(testing.B)
	k := verifytest.NewKey(tb, "k1", "ES256")
	set := verifytest.KeySet(tb, k)
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })),
		k.Sign(tb, verifytest.Claims(time.Now(), nil))
}
