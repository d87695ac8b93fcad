// The bot itself, and the collector beside it.

@description('Name.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('The environment that it runs in.')
param environmentId string

@description('Resource id of the identity.')
param identityId string

@description('The registry that the image is pulled from, as the identity.')
param registryServer string

@description('The image.')
param image string

@description('The collector\'s image; empty without one.')
param collectorImage string

@description('Where the collector writes the metrics to.')
param metricsUrl string

@description('What its token is made out for.')
param metricsScope string

@description('The port that the bot listens on.')
param port int

@description('Replicas at least.')
@minValue(2)
param minReplicas int

@description('Replicas at most.')
param maxReplicas int

@description('Where the client certificate is in the vault; empty with federation.')
param certificateSecretUri string

@description('Application Insights that gets the traces.')
param insightsName string

@description('Client id of the identity that sends traces and metrics.')
param identityClientId string

@description('Settings, without their prefix. None of them is secret.')
param settings object

@description('Content of secondkey.toml; empty without.')
@secure()
param settingsFile string

var certificate = !empty(certificateSecretUri)
var certificateName = 'client-certificate'
var fileName = 'settings-file'
var withFile = !empty(settingsFile)
var mount = '/mnt/certificate'
var all = union(settings, certificate ? {
  CLIENT_CERTIFICATE: '${mount}/client.pem'
} : {})

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// Not settings of the bot but of its exporter. The connection string says where to; what lets it in is a
// token of the identity, since keys are switched off.
var exporter = [
  {
    name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
    value: insights.properties.ConnectionString
  }
  {
    name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'
    value: 'Authorization=AAD;ClientId=${identityClientId}'
  }
]

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      // A new revision takes over when its replicas are ready; until then the old one answers.
      activeRevisionsMode: 'Single'
      maxInactiveRevisions: 5
      ingress: {
        external: true
        allowInsecure: false
        targetPort: port
        transport: 'http'
        traffic: [
          {
            latestRevision: true
            weight: 100
          }
        ]
      }
      registries: [
        {
          server: registryServer
          identity: identityId
        }
      ]
      secrets: concat(certificate ? [
        {
          name: certificateName
          keyVaultUrl: certificateSecretUri
          identity: identityId
        }
      ] : [], withFile ? [
        {
          name: fileName
          value: settingsFile
        }
      ] : [])
    }
    template: {
      terminationGracePeriodSeconds: 30
      // Together they have to be a combination that Container Apps has: twice as many GiB as cores.
      containers: concat([
        {
          name: 'secondkey'
          image: image
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: concat(map(items(all), setting => {
            name: 'SECONDKEY_${setting.key}'
            value: setting.value
          }), exporter)
          volumeMounts: concat(certificate ? [
            {
              volumeName: 'certificate'
              mountPath: mount
            }
          ] : [], withFile ? [
            {
              volumeName: 'settings'
              mountPath: '/data' // the image's working directory, where secondkey.toml is looked for
            }
          ] : [])
          probes: [
            {
              // Generous: the first replica of a new release brings the schema up to date. Two minutes, in
              // steps of twelve seconds because Container Apps takes ten failures at most.
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: 12
              timeoutSeconds: 2
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              // Each check behind it may take five seconds.
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: port
                scheme: 'HTTP'
              }
              periodSeconds: 10
              timeoutSeconds: 8
              failureThreshold: 3
            }
          ]
        }
      ], empty(collectorImage) ? [] : [
        {
          // No probes: what it hands on is for looking at the bot, and whether it is there must not decide
          // whether the bot is.
          name: 'collector'
          image: collectorImage
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
          env: [
            {
              name: 'SECONDKEY_METRICS_PORT'
              value: settings.METRICS_PORT
            }
            {
              name: 'IDENTITY_CLIENT_ID'
              value: identityClientId
            }
            {
              name: 'METRICS_URL'
              value: metricsUrl
            }
            {
              name: 'METRICS_SCOPE'
              value: metricsScope
            }
            {
              name: 'GOMEMLIMIT' // below what the container has, so that it tidies up rather than be killed
              value: '400MiB'
            }
          ]
        }
      ])
      scale: {
        minReplicas: minReplicas
        maxReplicas: max(minReplicas, maxReplicas)
        rules: [
          {
            name: 'requests'
            http: {
              metadata: {
                concurrentRequests: '100'
              }
            }
          }
        ]
      }
      volumes: concat(certificate ? [
        {
          name: 'certificate'
          storageType: 'Secret'
          secrets: [
            {
              secretRef: certificateName
              path: 'client.pem'
            }
          ]
        }
      ] : [], withFile ? [
        {
          name: 'settings'
          storageType: 'Secret'
          secrets: [
            {
              secretRef: fileName
              path: 'secondkey.toml'
            }
          ]
        }
      ] : [])
    }
  }
}

output fqdn string = app.properties.configuration.ingress.fqdn
