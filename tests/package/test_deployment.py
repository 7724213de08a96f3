"""serverless.yml, as the template that CloudFormation would get."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
from typing import Any

import pytest

from functions.core.metrics import UNITS
from functions.core.settings import Settings
from scripts import deployment, package

SETTINGS = {field.name.upper(): field for field in dataclasses.fields(Settings)}
SECRETS = {name for name, field in SETTINGS.items() if not field.repr}

DEFAULTS = {
    name.upper(): value for name, value in deployment.PARAMETERS.items() if name.startswith("supa")
}

Resources = dict[str, dict[str, Any]]


@functools.cache
def made(**parameters: str) -> Resources:
    """The properties of every resource, by type and name."""
    by_type: Resources = {}
    for name, resource in deployment.template(**parameters)["Resources"].items():
        by_type.setdefault(resource["Type"], {})[name] = resource.get("Properties", {})
    return by_type


def functions(**parameters: str) -> Resources:
    """By their names in serverless.yml."""
    return {
        properties["FunctionName"].rsplit("-", 1)[1]: properties
        for properties in made(**parameters)["AWS::Lambda::Function"].values()
    }


def environment(function: str, **parameters: str) -> dict[str, str]:
    variables: dict[str, str] = functions(**parameters)[function]["Environment"]["Variables"]
    return variables


def test_every_handler_is_there():
    for properties in functions().values():
        module, _, name = properties["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_all_run_on_what_the_zip_is_built_for():
    for properties in functions().values():
        assert properties["Runtime"] == f"python{package.LAMBDA.python}"
        assert properties["Architectures"] == ["arm64"]
        assert all(platform.endswith("_aarch64") for platform in package.LAMBDA.platforms)


def test_a_function_gets_settings_that_exist_and_the_secrets_that_it_needs():
    job = {"UPSTASH_REDIS_REST_TOKEN", "SUPABASE_SERVICE_ROLE_KEY"}
    needed = {
        "api": {"UPSTASH_REDIS_REST_TOKEN", "SUPABASE_JWT_SECRET"},
        "webhook": job | {"WEBHOOK_SECRETS"},
        "sweep": job,
        "warm": job,
        "audit": job,
    }
    assert functions(signed_by="both", revision="2").keys() == needed.keys()
    for function, secrets in needed.items():
        variables = environment(function, signed_by="both", revision="2")
        assert variables.keys() - SETTINGS.keys() == {"SETTINGS_REVISION"}
        assert variables.keys() & SECRETS == secrets
        Settings.from_environment(variables)


def test_secrets_are_named_and_never_written_down():
    for function in functions():
        for name in environment(function, signed_by="both", revision="2").keys() & SECRETS:
            reference = environment(function, signed_by="both", revision="2")[name]
            where = f"resolve:secretsmanager:supabase-compositions/check:SecretString:{name}"
            assert reference == "{{" + where + "}}"


def test_tokens_are_checked_with_the_published_keys_unless_it_is_said_otherwise():
    keys = Settings.from_environment(environment("api"))
    both = Settings.from_environment(environment("api", signed_by="both", revision="2"))
    assert keys.supabase_jwt_secret is None
    assert both.supabase_jwt_secret is not None
    assert keys.supabase_jwks_url == both.supabase_jwks_url
    assert keys.supabase_jwks_url == Settings.from_environment(DEFAULTS).supabase_jwks_url


def test_the_cache_can_be_taken_away():
    settings = Settings.from_environment(environment("api", cache="off"))
    assert settings.upstash_redis_rest_url is settings.upstash_redis_rest_token is None
    assert Settings.from_environment(environment("api")).upstash_redis_rest_url is not None


def test_another_revision_of_the_secrets_makes_another_snapshot():
    def snapshots(**parameters: str) -> set[str]:
        return set(made(**parameters)["AWS::Lambda::Version"])

    assert snapshots().isdisjoint(snapshots(signed_by="both", revision="2"))


def test_the_api_and_the_webhook_have_urls_with_no_rules_of_their_own():
    urls = made()["AWS::Lambda::Url"]
    assert urls.keys() == {"ApiLambdaFunctionUrl", "WebhookLambdaFunctionUrl"}
    for url in urls.values():
        assert url["AuthType"] == "NONE"
        assert "Cors" not in url


def test_the_url_of_the_api_leads_to_its_snapshot():
    target = made()["AWS::Lambda::Url"]["ApiLambdaFunctionUrl"]["TargetFunctionArn"]
    (alias,) = made()["AWS::Lambda::Alias"].values()
    assert json.dumps(alias["Name"]) in json.dumps(target)
    assert functions()["api"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_jobs_run_one_at_a_time_and_what_fails_is_kept():
    rules = json.dumps(made()["AWS::Events::Rule"])
    for job in ("sweep", "warm", "audit"):
        assert functions()[job]["ReservedConcurrentExecutions"] == 1
        assert f"{job.title()}LambdaFunction" in rules
        configured = made()["AWS::Lambda::EventInvokeConfig"][f"{job.title()}LambdaEvConf"]
        assert "FailedJobs" in json.dumps(configured["DestinationConfig"]["OnFailure"])


def test_a_sweep_looks_for_most_of_a_minute_and_ends_before_it_is_ended():
    rule = made()["AWS::Events::Rule"]["SweepEventsRuleSchedule1"]
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    seconds = json.loads(rule["Targets"][0]["Input"])["for_seconds"]
    assert 50 < seconds < functions()["sweep"]["Timeout"] - 5 < 60


def test_a_function_may_keep_its_log_and_a_job_report_its_failure_and_nothing_else():
    allowed = {
        name: {
            (action, json.dumps(statement["Resource"]))
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            for action in statement["Action"]
        }
        for name, role in made()["AWS::IAM::Role"].items()
    }
    ((_, groups), *_) = allowed["AnswerRole"]
    assert "log-group:/aws/lambda/supabase-compositions-check-*:*" in groups
    log = {("logs:CreateLogStream", groups), ("logs:PutLogEvents", groups)}
    queue = json.dumps({"Fn::GetAtt": ["FailedJobs", "Arn"]})
    assert allowed == {"AnswerRole": log, "JobRole": log | {("sqs:SendMessage", queue)}}


def test_logs_are_json_and_forgotten_after_a_month():
    groups = made()["AWS::Logs::LogGroup"]
    assert len(groups) == len(functions())
    assert {group["RetentionInDays"] for group in groups.values()} == {30}
    assert {f["LoggingConfig"]["LogFormat"] for f in functions().values()} == {"JSON"}


def test_alarms_watch_metrics_that_are_written():
    watched = set()
    for alarm in made()["AWS::CloudWatch::Alarm"].values():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
        queries = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", [])[1:]]
        for metric in queries or [alarm]:
            if metric["Namespace"] != "Compositions":
                continue
            watched.add(metric["MetricName"])
            (dimension,) = metric["Dimensions"]
            assert dimension["Name"] == "Function"
            assert dimension["Value"] in functions()
    assert watched <= UNITS.keys()
    assert watched >= {"AuditMismatches", "CacheBypasses", "InvalidationLag", "UnsettledWrites"}


def test_what_cannot_be_deployed_is_refused_with_the_reason():
    with pytest.raises(deployment.DeploymentError, match="SUPABASE_JWT_SECRET"):
        deployment.template(signed_by="luck")
