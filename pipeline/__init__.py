"""Azure DevOps, a Pulumi project of its own: it must not own what it runs in (docs/ci.md).

| file        | what stands there                                                       |
|-------------|-------------------------------------------------------------------------|
| settings.py | the configuration, `mta-sts-pipeline:*`                                 |
| stated.py   | whether the pipelines' files say the same                               |
| project.py  | project, repository, pipelines, and who may do what                     |
| identity.py | who the pipeline is in Azure                                            |
| steps/      | what runs: the templates of ../azure-pipelines.yml, and content.yml     |
"""
