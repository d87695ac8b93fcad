// The Azure Bot: how Teams finds the bot, and the connection through which users' tokens come.

@description('Name of the bot resource, unique everywhere.')
param name string

@description('What people see.')
param displayName string

@description('Tags.')
param tags object

@description('The app registration.')
param clientId string

@description('The tenant.')
param tenantId string

@description('Where activities are sent.')
param endpoint string

@description('Name of the OAuth connection: SECONDKEY_OAUTH_CONNECTION.')
param connectionName string

@description('The app\'s API, for which users\' tokens are made out.')
param apiUri string

@description('Last part of the subject under which the token service signs in.')
param tokenStoreIdentifier string

@description('Log Analytics workspace.')
param workspaceId string

resource bot 'Microsoft.BotService/botServices@2022-09-15' = {
  name: name
  location: 'global'
  kind: 'azurebot'
  tags: tags
  sku: {
    name: 'S1'
  }
  properties: {
    displayName: displayName
    description: 'Microsoft Entra PIM approvals in Microsoft Teams'
    endpoint: endpoint
    msaAppId: clientId
    msaAppType: 'SingleTenant'
    msaAppTenantId: tenantId
    disableLocalAuth: true
    isStreamingSupported: false
    publicNetworkAccess: 'Enabled' // Teams reaches it from outside
    schemaTransformationVersion: '1.3'
  }
}

resource teams 'Microsoft.BotService/botServices/channels@2022-09-15' = {
  parent: bot
  name: 'MsTeamsChannel'
  location: 'global'
  properties: {
    channelName: 'MsTeamsChannel'
    properties: {
      isEnabled: true
      enableCalling: false
      acceptedTerms: true
    }
  }
}

// "AAD v2 with Federated Credentials": no secret here either. The token is made out to the bot's own API;
// the bot exchanges it for one for Graph, on behalf of the same user.
resource connection 'Microsoft.BotService/botServices/connections@2023-09-15-preview' = {
  parent: bot
  name: connectionName
  location: 'global'
  properties: {
    serviceProviderId: 'c00b44ab-5e16-c44c-af26-2fd5bc55eb18'
    serviceProviderDisplayName: 'AAD v2 with Federated Credentials'
    clientId: clientId
    scopes: 'openid profile offline_access ${apiUri}/access_as_user'
    parameters: [
      {
        key: 'ClientId'
        value: clientId
      }
      {
        key: 'UniqueIdentifier'
        value: tokenStoreIdentifier
      }
      {
        key: 'TokenExchangeUrl'
        value: apiUri
      }
      {
        key: 'TenantId'
        value: tenantId
      }
    ]
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: bot
  name: 'to-log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}
