// The one identity that the bot has in Azure. It stands in for the app registration's secret, logs in to
// the database and pulls the image.

@description('Name of the identity; also the name of its role in the database.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output name string = identity.name
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
