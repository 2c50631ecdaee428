// Package instance is what serve, demo, analyze and every shorter command
// compose: the engines, the folder, the pipeline on top of them and the roles.
//
// Engines are a broker and a ClickHouse: those that a Config names, those of
// the instance that runs in the Config's folder, or embedded ones that Open
// starts in the folder and Engines.Close stops. The folder's lock belongs to
// the one process that runs engines or roles in it.
//
// A Pipeline is the engines with topics and tables made and checked. OpenPipeline
// makes what is missing; JoinPipeline makes nothing.
//
// Roles run until they are stopped or one of them fails, and end together.
// Stop returns when all of them have ended, so nothing of this package runs
// after it.
//
// The package prints nothing: what a person should see of a wait goes to the
// callbacks that a Config or a Session carries.
package instance
