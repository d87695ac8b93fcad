// Where the bot's metrics go: managed Prometheus. The collector beside the bot writes to it, as the identity
// and by this rule only. The workspace brings an endpoint and a rule of its own, in a resource group that
// Azure manages; on those nobody could be given a role from here.

@description('Base of the names.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Object id of the identity that writes.')
param writerPrincipalId string

var stream = 'Microsoft-PrometheusMetrics'
var destination = 'workspace'

resource workspace 'Microsoft.Monitor/accounts@2023-04-03' = {
  name: 'amw-${name}'
  location: location
  tags: tags
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2022-06-01' = {
  name: 'dce-${name}'
  location: location
  tags: tags
  kind: 'Linux'
  properties: {
    networkAcls: {
      publicNetworkAccess: 'Enabled' // as for logs and traces: what lets in is the identity's token
    }
  }
}

resource rule 'Microsoft.Insights/dataCollectionRules@2022-06-01' = {
  name: 'dcr-${name}-metrics'
  location: location
  tags: tags
  kind: 'Linux'
  properties: {
    dataCollectionEndpointId: endpoint.id
    dataSources: {
      prometheusForwarder: [
        {
          name: 'collector'
          streams: [
            stream
          ]
          labelIncludeFilter: {}
        }
      ]
    }
    destinations: {
      monitoringAccounts: [
        {
          name: destination
          accountResourceId: workspace.id
        }
      ]
    }
    dataFlows: [
      {
        streams: [
          stream
        ]
        destinations: [
          destination
        ]
      }
    ]
  }
}

// Monitoring Metrics Publisher: what writing by a rule with Entra tokens needs.
resource mayWrite 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: rule
  name: guid(rule.id, writerPrincipalId, 'metrics-publisher')
  properties: {
    principalId: writerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')
  }
}

output workspaceId string = workspace.id
output writeUrl string = '${endpoint.properties.metricsIngestion.endpoint}/dataCollectionRules/${rule.properties.immutableId}/streams/${stream}/api/v1/write?api-version=2023-04-24'
