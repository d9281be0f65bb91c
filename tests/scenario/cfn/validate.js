// validate.js FILE…: says of each CloudFormation template whether aws-cdk-lib takes it: read by CfnInclude, synthesised, and
// checked against the rules that ship with it. One line of JSON each: {"file", "problems": ["…"]}.
const fs = require('fs');
const os = require('os');
const path = require('path');
const { App, Stack } = require('aws-cdk-lib');
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');

function problemsOf(file) {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'lurker-cfn-'));
  const said = [];
  const streams = [process.stdout, process.stderr].map((stream) => [stream, stream.write]);
  for (const [stream] of streams) {
    stream.write = (text) => said.push(String(text)) > 0;
  }
  const failed = process.exitCode;
  try {
    const app = new App({
      outdir,
      analyticsReporting: false,
      context: { '@aws-cdk/core:validateAgainstDefaultRules': true },
    });
    new CfnInclude(new Stack(app, 'Template'), 'Include', { templateFile: file });
    app.synth();
    const bad = process.exitCode && process.exitCode !== failed;
    process.exitCode = failed;
    return bad ? [said.join('')] : [];
  } catch (error) {
    process.exitCode = failed;
    return [`${error.message}\n${said.join('')}`];
  } finally {
    for (const [stream, write] of streams) {
      stream.write = write;
    }
    fs.rmSync(outdir, { recursive: true, force: true });
  }
}

for (const file of process.argv.slice(2)) {
  console.log(JSON.stringify({ file, problems: problemsOf(file) }));
}
