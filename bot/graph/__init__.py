"""Microsoft Graph and Entra, through msgraph-sdk and azure-identity."""
