// The address of the app's API holds the client id, which is known only once the app is there: so the
// same app is written a second time, with nothing but that.
extension microsoftGraphV1

@description('The app\'s unique name.')
param uniqueName string

@description('The app\'s display name.')
param displayName string

@description('The app\'s client id.')
param clientId string

var apiUri = 'api://botid-${clientId}'

resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  identifierUris: [
    apiUri
  ]
}

output apiUri string = app.identifierUris[0]
