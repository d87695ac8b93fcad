// The app registration: who the bot is in Entra. One tenant, no secret, two federated credentials.
extension microsoftGraphV1

@description('Base of the names.')
param name string

@description('Makes the unique name unique in the tenant.')
param suffix string

@description('The tenant.')
param tenantId string

@description('Object id of the managed identity whose tokens stand in for a secret.')
param identityPrincipalId string

@description('Which cloud.')
param cloud string

@description('Where that cloud signs in, without a slash at the end.')
param loginUrl string

@description('Host name of the bot.')
param host string

@description('Graph permissions to ask for, with their ids.')
param resourceAccess array

var scopeId = guid(resourceGroup().id, name, 'access_as_user')
var teamsClients = [
  '1fec8e78-bce4-4aaf-ab1b-5451cc387264' // Teams on desktop and mobile
  '5e3ce6c0-2b1f-4285-8d4b-75ee78787346' // Teams on the web
]
var exchangeAudiences = {
  public: 'api://AzureADTokenExchange'
  usgov: 'api://AzureADTokenExchangeUSGov'
  usdod: 'api://AzureADTokenExchangeUSGov'
  china: 'api://AzureADTokenExchangeChina'
}
var tokenServices = {
  #disable-next-line no-hardcoded-env-urls
  public: 'https://token.botframework.com'
  usgov: 'https://tokengcch.botframework.azure.us'
  usdod: 'https://apidod.botframework.azure.us'
  china: 'https://token.botframework.azure.cn'
}
// Further ones whose page a sign-in may come back to: Azure Bot Service's documentation names this one for
// all of Azure Government, Teams' the ones above.
var moreTokenServices = {
  public: []
  usgov: [
    'https://token.botframework.azure.us'
  ]
  usdod: [
    'https://token.botframework.azure.us'
  ]
  china: []
}
// How the subjects of projected identities name the cloud.
var subjectClouds = {
  public: 'pub'
  usgov: 'usg'
  usdod: 'usg'
  china: 'chn'
}
// Not environment().authentication.loginEndpoint: in China that is another host than the one that tokens
// are issued by, and not every cloud's ends in a slash.
var issuer = '${loginUrl}/${tenantId}/v2.0'

// The Bot Framework's token service signs in as a projected identity, whose subject names the tenant in
// base64url of the GUID's bytes, in the order in which .NET keeps them. Bicep encodes text only, so it is
// done by hand: three hexadecimal digits make two characters. A test runs these lines.
var hexDigits = '0123456789abcdef'
var alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
var digits = toLower(replace(tenantId, '-', ''))
var inOrder = '${substring(digits, 6, 2)}${substring(digits, 4, 2)}${substring(digits, 2, 2)}${substring(digits, 0, 2)}${substring(digits, 10, 2)}${substring(digits, 8, 2)}${substring(digits, 14, 2)}${substring(digits, 12, 2)}${substring(digits, 16, 16)}0'
var triples = map(range(0, 11), i => map(range(0, 3), j => indexOf(hexDigits, substring(inOrder, i * 3 + j, 1))))
var encodedTenant = join(map(triples, t => '${substring(alphabet, t[0] * 4 + t[1] / 4, 1)}${substring(alphabet, t[1] % 4 * 16 + t[2], 1)}'), '')
var tokenStoreIdentifier = guid(resourceGroup().id, name, 'token-store')

resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: '${name}-${suffix}'
  displayName: 'Second Key'
  description: 'PIM approvals in Microsoft Teams. Decides with the approver\'s own token, never with its own.'
  signInAudience: 'AzureADMyOrg'
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: scopeId
        value: 'access_as_user'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Decide on PIM requests as the signed-in user'
        adminConsentDescription: 'Lets Microsoft Teams sign the user in to Second Key, which then acts in PIM as that user.'
        userConsentDisplayName: 'Decide on PIM requests as you'
        userConsentDescription: 'Lets Microsoft Teams sign you in to Second Key, which then acts in PIM as you.'
      }
    ]
    preAuthorizedApplications: [for client in teamsClients: {
      appId: client
      delegatedPermissionIds: [
        scopeId
      ]
    }]
  }
  optionalClaims: {
    accessToken: [
      {
        name: 'acrs' // which authentication contexts the user has satisfied
        essential: false
        additionalProperties: []
      }
      {
        name: 'xms_cc' // whether the client can answer a claims challenge
        essential: false
        additionalProperties: []
      }
    ]
  }
  web: {
    redirectUris: concat(map(concat([
      tokenServices[cloud]
    ], moreTokenServices[cloud]), service => '${service}/.auth/web/redirect'), [
      'https://${host}/signin/callback' // where sign-ins from a card come back to
      'https://${host}/about/consented' // where the administrator's consent ends
    ])
    implicitGrantSettings: {
      enableAccessTokenIssuance: false
      enableIdTokenIssuance: false
    }
  }
  requiredResourceAccess: [
    {
      resourceAppId: '00000003-0000-0000-c000-000000000000'
      resourceAccess: resourceAccess
    }
  ]
}

resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: app.appId
}

resource fromIdentity 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${app.uniqueName}/managed-identity'
  description: 'The container\'s managed identity, in place of a secret'
  issuer: issuer
  subject: identityPrincipalId
  audiences: [
    exchangeAudiences[cloud]
  ]
}

resource fromTokenStore 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${app.uniqueName}/bot-token-service'
  description: 'The Bot Framework\'s token service, for the OAuth connection'
  issuer: issuer
  subject: '/eid1/c/${subjectClouds[cloud]}/t/${encodedTenant}/a/9ExAW52n_ky4ZiS_jhpJIQ/${tokenStoreIdentifier}'
  audiences: [
    exchangeAudiences[cloud]
  ]
  // Entra takes one change to an application's credentials at a time.
  dependsOn: [
    fromIdentity
  ]
}

output uniqueName string = app.uniqueName
output displayName string = app.displayName
output clientId string = app.appId
output servicePrincipalId string = servicePrincipal.id
output tokenStoreIdentifier string = tokenStoreIdentifier
