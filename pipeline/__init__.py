"""Azure DevOps, a Pulumi project of its own: it must not own what it runs in (docs/ci.md).

| file        | what stands there                                                       |
|-------------|-------------------------------------------------------------------------|
| settings.py | the configuration, `mta-sts-pipeline:*`                                 |
| parts.py    | its parts that are maps                                                 |
| stated.py   | whether the repository's files say the same                             |
| backends.py | where its own state may lie                                             |
| project.py  | project, repository, pipelines, and what they use                       |
| guards.py   | what stands between a change and its deployment                         |
| identities.py | who the pipeline is in Azure, and what it may there                   |
| steps/      | what runs: the templates of ../azure-pipelines.yml, and content.yml     |
"""
