package api

import "github.com/yoozak/clients/internal/account"

// userBody is the specification's user: these five fields and no other.
type userBody struct {
	ID        int64  `json:"id"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

func newUserBody(u account.User) userBody {
	return userBody{ID: u.ID, Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName}
}
