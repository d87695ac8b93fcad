// Second Key in one resource group and one tenant: docs/setup.md is the way through it, README.md beside
// this file has the parameters. Nothing here holds a secret: the bot's identity is federated to its app
// registration, and logs in to the database with Entra tokens.
targetScope = 'resourceGroup'

@description('Where everything goes. The bot registration itself is global.')
param location string = resourceGroup().location

@description('What every resource is called after. Lower-case letters and digits.')
@minLength(3)
@maxLength(16)
param name string = 'secondkey'

@description('Tags for every resource that takes them.')
param tags object = {}

@description('The image to run, by tag or, better, by digest: registry.azurecr.io/secondkey@sha256:…')
@minLength(5)
param image string

@description('Name of the existing container registry that holds the image. The identity is allowed to pull from it, and nothing more.')
@minLength(5)
@maxLength(50)
param registryName string

@description('Resource group of that registry.')
param registryResourceGroup string = resourceGroup().name

@description('Run the bot. Off for the first deployment: consent and the database come in between, and without them it would only restart.')
param runBot bool = true

@description('Teams channel for approval cards, 19:…@thread.tacv2. Needed to run the bot.')
param approverChannel string = ''

@description('Teams channel for pings to ops, 19:…@thread.tacv2. Needed to run the bot.')
param opsChannel string = ''

@description('Object ids of the break-glass accounts, which take no part.')
param breakGlassObjectIds array = []

@description('Graph resources to subscribe to as hints, such as a mailbox that gets the mail of PIM. The permission for it is not asked for here.')
param subscriptions array = []

@description('Content of a secondkey.toml, for routing by role. What the other parameters set wins.')
@secure()
param settingsFile string = ''

@description('Seconds until ops are pinged for the first time.')
@minValue(30)
@maxValue(86400)
param slaSeconds int = 300

@description('Seconds between two readings of the pending requests.')
@minValue(1)
@maxValue(3600)
param pollSeconds int = 10

@description('Port of the metrics inside each replica, for the collector beside the bot; 0 serves none. Another one than the bot\'s own, 3978.')
@minValue(0)
@maxValue(65535)
param metricsPort int = 9464

@description('Collect the metrics in Azure Monitor, by a collector beside the bot, and alert by the rules of docs/alerts.yaml.')
param alerting bool = true

@description('The collector\'s image in that registry, made from infra/collector, by tag or digest.')
@minLength(5)
param collectorImage string = 'secondkey-collector:0.1.0'

@description('E-mail addresses that get the alerts. Without any, and without action groups, they are in the portal only.')
param alertEmails array = []

@description('Resource ids of action groups of yours that get the alerts too, for a pager or a ticket system.')
param alertActionGroupIds array = []

@description('Least severe log line to print.')
@allowed([
  'debug'
  'info'
  'warning'
  'error'
])
param logLevel string = 'info'

@description('Send traces to Application Insights.')
param traces bool = true

@description('Which cloud the tenant is in. It has to be the one that this is deployed to.')
@allowed([
  'public'
  'usgov'
  'usdod'
  'china'
])
param cloud string = 'public'

@description('Host name under which Microsoft reaches the bot, when it is not the one that Container Apps gives it. Bind it and its certificate to the container app afterwards.')
param publicHost string = ''

@description('Replicas that run at least. Two is the least that survives the loss of one.')
@minValue(2)
@maxValue(10)
param minReplicas int = 2

@description('Replicas that run at most. The limit is what databaseSku has connections for.')
@minValue(2)
@maxValue(20)
param maxReplicas int = 4

@description('Keep database and vault off the internet: virtual network, private endpoints, private DNS. Turning it on later makes the environment anew.')
param privateNetworking bool = true

@description('Address space of the virtual network, a /22 or larger.')
param addressPrefix string = '10.83.0.0/22'

@description('Spread replicas over availability zones. Needs private networking and a region that has zones.')
param zoneRedundant bool = false

@description('Object id of the Entra group (or user) that administers the database server. The bot is not one of them.')
@minLength(36)
@maxLength(36)
param databaseAdministratorObjectId string

@description('Name of that group, or the user principal name of that user.')
param databaseAdministratorName string

@description('What that principal is.')
@allowed([
  'Group'
  'User'
  'ServicePrincipal'
])
param databaseAdministratorType string = 'Group'

@description('Compute size of the database server. Each replica takes up to 10 connections, and new ones run beside old ones for a while. The smallest, Standard_B1ms, takes 35 connections in all and is too small; the default takes 414.')
param databaseSku string = 'Standard_B2s'

@description('Tier that the size belongs to.')
@allowed([
  'Burstable'
  'GeneralPurpose'
  'MemoryOptimized'
])
param databaseTier string = 'Burstable'

@description('Days that backups of the database are kept.')
@minValue(7)
@maxValue(35)
param backupRetentionDays int = 14

@description('Keep the backups in the paired region too. Can only be chosen when the server is made.')
param geoRedundantBackup bool = false

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Grant the Graph permissions right away. Needs a Privileged Role Administrator; without it, somebody who is one consents afterwards by the link in the outputs.')
param grantConsent bool = false

@description('Make a key vault for a client certificate. Only where managed identities can not be federated. Needs private networking.')
param deployKeyVault bool = false

@description('Address of the certificate in that vault, as a secret without a version: https://….vault…/secrets/secondkey. Set once it is there; the bot then authenticates with it in place of federation.')
param certificateSecretUri string = ''

var suffix = uniqueString(resourceGroup().id)
var tenantId = tenant().tenantId
var connectionName = 'graph'
var port = 3978
var loginUrls = {
  #disable-next-line no-hardcoded-env-urls
  public: 'https://login.microsoftonline.com'
  usgov: 'https://login.microsoftonline.us'
  usdod: 'https://login.microsoftonline.us'
  china: 'https://login.partner.microsoftonline.cn'
}
var graphScopes = {
  #disable-next-line no-hardcoded-env-urls
  public: 'https://graph.microsoft.com/.default'
  usgov: 'https://graph.microsoft.us/.default'
  usdod: 'https://dod-graph.microsoft.us/.default'
  china: 'https://microsoftgraph.chinacloudapi.cn/.default'
}
// For what the collector's token is made out: Azure Monitor, in each cloud.
var metricsScopes = {
  #disable-next-line no-hardcoded-env-urls
  public: 'https://monitor.azure.com/.default'
  usgov: 'https://monitor.azure.us/.default'
  usdod: 'https://monitor.azure.us/.default'
  china: 'https://monitor.azure.cn/.default'
}
var shownMetricsPort = metricsPort == 0 ? '' : string(metricsPort)
var freeMetricsPort = metricsPort == port ? fail('metricsPort has to be another port than the port of the bot') : shownMetricsPort
var checkedMetricsPort = alerting && metricsPort == 0 ? fail('alerting needs a metricsPort: set it, or alerting to false') : freeMetricsPort

module identity 'modules/identity.bicep' = {
  name: '${name}-identity'
  params: {
    name: 'id-${name}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: '${name}-monitoring'
  params: {
    name: name
    location: location
    tags: tags
    retentionDays: logRetentionDays
    senderPrincipalId: identity.outputs.principalId
  }
}

module metrics 'modules/metrics.bicep' = if (alerting) {
  name: '${name}-metrics'
  params: {
    name: name
    location: location
    tags: tags
    writerPrincipalId: identity.outputs.principalId
  }
}

module permissions 'modules/permissions.bicep' = {
  name: '${name}-permissions'
}

module registration 'modules/registration.bicep' = {
  name: '${name}-registration'
  params: {
    name: name
    suffix: suffix
    tenantId: tenantId
    identityPrincipalId: identity.outputs.principalId
    cloud: cloud
    loginUrl: loginUrls[cloud]
    host: host
    resourceAccess: concat(permissions.outputs.roles, permissions.outputs.scopes)
  }
}

module address 'modules/registration-address.bicep' = {
  name: '${name}-registration-address'
  params: {
    uniqueName: registration.outputs.uniqueName
    displayName: registration.outputs.displayName
    clientId: registration.outputs.clientId
  }
}

module consent 'modules/consent.bicep' = if (grantConsent) {
  name: '${name}-consent'
  params: {
    servicePrincipalId: registration.outputs.servicePrincipalId
    roleIds: map(permissions.outputs.roles, role => role.id)
    delegated: permissions.outputs.delegated
  }
}

module network 'modules/network.bicep' = if (privateNetworking) {
  name: '${name}-network'
  params: {
    name: name
    location: location
    tags: tags
    addressPrefix: addressPrefix
  }
}

module database 'modules/database.bicep' = {
  name: '${name}-database'
  params: {
    name: 'psql-${name}-${suffix}'
    location: location
    tags: tags
    tenantId: tenantId
    cloud: cloud
    sku: databaseSku
    tier: databaseTier
    backupRetentionDays: backupRetentionDays
    geoRedundantBackup: geoRedundantBackup
    administratorObjectId: databaseAdministratorObjectId
    administratorName: databaseAdministratorName
    administratorType: databaseAdministratorType
    privateNetworking: privateNetworking
    subnetId: privateNetworking ? network!.outputs.endpointsSubnetId : ''
    networkId: privateNetworking ? network!.outputs.networkId : ''
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = if (deployKeyVault && privateNetworking) {
  name: '${name}-vault'
  params: {
    name: take('kv-${name}-${suffix}', 24)
    location: location
    tags: tags
    tenantId: tenantId
    readerPrincipalId: identity.outputs.principalId
    subnetId: network!.outputs.endpointsSubnetId
    networkId: network!.outputs.networkId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module registryAccess 'modules/registry-access.bicep' = {
  name: '${name}-registry-access'
  scope: resourceGroup(registryResourceGroup)
  params: {
    registryName: registryName
    principalId: identity.outputs.principalId
  }
}

module environment_ 'modules/environment.bicep' = {
  name: '${name}-environment'
  params: {
    name: 'cae-${name}'
    location: location
    tags: tags
    subnetId: privateNetworking ? network!.outputs.appsSubnetId : ''
    zoneRedundant: zoneRedundant && privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

var host = empty(publicHost) ? 'ca-${name}.${environment_.outputs.defaultDomain}' : publicHost
var publicUrl = 'https://${host}'

module container 'modules/container.bicep' = if (runBot) {
  name: '${name}-container'
  params: {
    name: 'ca-${name}'
    location: location
    tags: tags
    environmentId: environment_.outputs.id
    identityId: identity.outputs.id
    registryServer: registryAccess.outputs.loginServer
    image: image
    collectorImage: alerting ? '${registryAccess.outputs.loginServer}/${collectorImage}' : ''
    metricsUrl: alerting ? metrics!.outputs.writeUrl : ''
    metricsScope: metricsScopes[cloud]
    port: port
    minReplicas: minReplicas
    maxReplicas: maxReplicas
    certificateSecretUri: certificateSecretUri
    settingsFile: settingsFile
    insightsName: monitoring.outputs.insightsName
    identityClientId: identity.outputs.clientId
    settings: {
      TENANT_ID: tenantId
      CLIENT_ID: registration.outputs.clientId
      MANAGED_IDENTITY: empty(certificateSecretUri) ? identity.outputs.clientId : ''
      PUBLIC_URL: publicUrl
      APPROVER_CHANNEL: approverChannel
      OPS_CHANNEL: opsChannel
      // The role that database.sql makes the tables' owner, with its administrators as members.
      DATABASE_URL: 'postgresql+asyncpg://${identity.outputs.name}@${database.outputs.host}:5432/${database.outputs.databaseName}?role=secondkey_owner'
      DATABASE_IDENTITY: identity.outputs.clientId
      HOST: '0.0.0.0'
      PORT: string(port)
      // For the collector beside it, and nobody else.
      METRICS_PORT: checkedMetricsPort
      METRICS_HOST: '127.0.0.1'
      OAUTH_CONNECTION: connectionName
      BREAK_GLASS: join(breakGlassObjectIds, ',')
      SUBSCRIPTIONS: join(subscriptions, ',')
      SLA_SECONDS: string(slaSeconds)
      POLL_SECONDS: string(pollSeconds)
      CLOUD: cloud
      LOG_LEVEL: logLevel
      TRACES: traces ? 'azure-monitor' : 'off'
    }
  }
}

// Only once the bot is there: its absence is an alert.
module alerts 'modules/alerts.bicep' = if (alerting && runBot) {
  name: '${name}-alerts'
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: metrics!.outputs.workspaceId
    emails: alertEmails
    actionGroupIds: alertActionGroupIds
  }
  dependsOn: [
    container
  ]
}

module bot 'modules/bot.bicep' = {
  name: '${name}-bot'
  params: {
    name: 'bot-${name}-${suffix}'
    displayName: 'Second Key'
    tags: tags
    clientId: registration.outputs.clientId
    tenantId: tenantId
    endpoint: '${publicUrl}/api/messages'
    connectionName: connectionName
    apiUri: address.outputs.apiUri
    tokenStoreIdentifier: registration.outputs.tokenStoreIdentifier
    workspaceId: monitoring.outputs.workspaceId
  }
}

@description('The tenant, for `secondkey` and the Teams package.')
output tenantId string = tenantId

@description('The app registration, for `secondkey` and the Teams package.')
output clientId string = registration.outputs.clientId

@description('Host name of the bot, for the Teams package.')
output host string = host

@description('Where a Privileged Role Administrator grants the Graph permissions; the same as `secondkey consent-link` prints.')
output consentUrl string = '${loginUrls[cloud]}/${tenantId}/v2.0/adminconsent?client_id=${registration.outputs.clientId}&scope=${uriComponent(graphScopes[cloud])}&redirect_uri=${uriComponent('https://${host}/about/consented')}'

@description('Host of the database server, for database.sql.')
output databaseHost string = database.outputs.host

@description('The database on it, which database.sql makes.')
output databaseName string = database.outputs.databaseName

@description('Name of the identity, which is also its role in the database.')
output identityName string = identity.outputs.name

@description('Object id of the identity, for database.sql.')
output identityPrincipalId string = identity.outputs.principalId

@description('Client id of the identity.')
output identityClientId string = identity.outputs.clientId
