package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/yoozak/clients/client"
)

// A command line tool that remembers who is logged in.
func Example() {
	folder, err := os.UserConfigDir()
	if err != nil {
		panic(err)
	}
	c, err := client.New("https://accounts.shop.example", client.Options{
		Store:    &client.FileStore{Path: filepath.Join(folder, "shop-tokens.json")},
		Language: "fr",
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	user, err := c.Me(ctx)
	if errors.Is(err, client.ErrLoggedOut) {
		user, err = c.Login(ctx, "amina", os.Getenv("SHOP_PASSWORD"))
	}
	var refused *client.Error
	var network *client.NetworkError
	switch {
	case errors.As(err, &refused) && refused.RetryAfter > 0:
		fmt.Println("try again in", refused.RetryAfter)
	case errors.As(err, &refused):
		fmt.Println(refused.Detail)
	case errors.As(err, &network):
		fmt.Println("no network; you are still logged in")
	case err == nil:
		fmt.Println("salam,", user.FirstName)
	}
}

// Calls that have no method of their own.
func ExampleClient_Do() {
	c, err := client.New("https://accounts.shop.example", client.Options{})
	if err != nil {
		panic(err)
	}
	req, err := c.NewRequest(context.Background(), http.MethodPatch, "/api/clients/clients/me/", map[string]string{"first_name": "Amina"})
	if err != nil {
		panic(err)
	}
	res, err := c.Do(req) // with the token, renewed if need be
	if err != nil {
		return
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	fmt.Println(res.Status)
}
