// PostgreSQL that knows no passwords. The bot's roles are made by database.sql, because they are not to be
// administrators, and Azure Resource Manager can only make those. So is its database, because one that Resource
// Manager makes may belong to the platform's own role, and then nobody can grant anything on it.

@description('Name of the server, unique everywhere.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('The tenant whose tokens are taken.')
param tenantId string

@description('Which cloud.')
param cloud string

@description('Compute size.')
param sku string

@description('Tier of that size.')
param tier string

@description('Days that backups are kept.')
param backupRetentionDays int

@description('Backups in the paired region too.')
param geoRedundantBackup bool

@description('Object id of the administrator.')
param administratorObjectId string

@description('Name of the administrator.')
param administratorName string

@description('What the administrator is.')
param administratorType string

@description('No way in from the internet.')
param privateNetworking bool

@description('Subnet of the private endpoint; empty without private networking.')
param subnetId string

@description('The network; empty without private networking.')
param networkId string

@description('Log Analytics workspace.')
param workspaceId string

var privateZones = {
  #disable-next-line no-hardcoded-env-urls
  public: 'privatelink.postgres.database.azure.com'
  usgov: 'privatelink.postgres.database.usgovcloudapi.net'
  usdod: 'privatelink.postgres.database.usgovcloudapi.net'
  china: 'privatelink.postgres.database.chinacloudapi.cn'
}

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: tier
  }
  properties: {
    version: '16'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenantId
    }
    network: {
      publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    }
    storage: {
      storageSizeGB: 32
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: backupRetentionDays
      geoRedundantBackup: geoRedundantBackup ? 'Enabled' : 'Disabled'
    }
    highAvailability: {
      mode: 'Disabled'
    }
  }
}

// The server takes one change at a time, hence the chain of dependencies, and its order matters. The
// administrator comes after the settings, because a server that is only just there may refuse it
// (AadAuthOperationCannotBePerformedWhenServerIsNotAccessible).
resource tlsOnly 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = {
  parent: server
  name: 'require_secure_transport'
  properties: {
    source: 'user-override'
    value: 'ON'
  }
}

resource tlsVersion 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = {
  parent: server
  name: 'ssl_min_protocol_version'
  properties: {
    source: 'user-override'
    value: 'TLSv1.2'
  }
  dependsOn: [
    tlsOnly
  ]
}

resource throttling 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = {
  parent: server
  name: 'connection_throttle.enable'
  properties: {
    source: 'user-override'
    value: 'ON'
  }
  dependsOn: [
    tlsVersion
  ]
}

resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: server
  name: administratorObjectId
  properties: {
    principalName: administratorName
    principalType: administratorType
    tenantId: tenantId
  }
  dependsOn: [
    throttling
  ]
}

// Without a private network Container Apps comes from addresses that nobody can name beforehand: this rule
// lets in whatever runs in Azure, in any tenant. What keeps it out is that a token is needed.
resource fromAzure 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = if (!privateNetworking) {
  parent: server
  name: 'from-azure'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
  dependsOn: [
    administrator
  ]
}

module endpoint 'private-endpoint.bicep' = if (privateNetworking) {
  name: '${name}-endpoint'
  params: {
    name: name
    location: location
    tags: tags
    targetId: server.id
    groupId: 'postgresqlServer'
    subnetId: subnetId
    networkId: networkId
    zoneName: privateZones[cloud]
  }
  dependsOn: [
    administrator
  ]
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: server
  name: 'to-log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output host string = server.properties.fullyQualifiedDomainName
output databaseName string = 'secondkey'
