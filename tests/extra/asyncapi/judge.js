// judge.js FOLDER: every document of FOLDER/valid is valid and says what NAME.expected.json has; every one of FOLDER/planted is refused.
'use strict';
const fs = require('fs');
const path = require('path');
const { Parser } = require('@asyncapi/parser');
const { AvroSchemaParser } = require('@asyncapi/avro-schema-parser');

const folder = process.argv[2];
const ERROR = 0, WARNING = 1;
// That there is an AsyncAPI newer than 3.0 is a hint, below a warning; nothing else is let through.
const told = (diagnostics) => diagnostics.filter((one) => one.severity <= WARNING).map((one) => `${one.code} at ${one.path.join('.')}: ${one.message}`);

async function judge(file) {
  const parser = new Parser();
  parser.registerSchemaParser(AvroSchemaParser());
  return parser.parse(fs.readFileSync(file, 'utf8'), { source: file });
}

function differences(document, file) {
  if (!fs.existsSync(file + '.expected.json')) return [];
  const [operations, messages, fields] = JSON.parse(fs.readFileSync(file + '.expected.json', 'utf8'));
  const all = document.components().messages().all();
  const found = [document.operations().all().length, all.length, Object.keys(all[0].payload().properties())];
  return JSON.stringify(found) === JSON.stringify([operations, messages, fields]) ? [] : [`expected ${JSON.stringify([operations, messages, fields])}, found ${JSON.stringify(found)}`];
}

(async () => {
  let bad = 0, valid = 0, refused = 0;
  const list = (name) => fs.readdirSync(path.join(folder, name)).filter((file) => !file.endsWith('.expected.json')).sort().map((file) => path.join(folder, name, file));
  for (const file of list('valid')) {
    const { document, diagnostics } = await judge(file);
    const wrong = document ? told(diagnostics).concat(differences(document, file)) : told(diagnostics).concat('refused');
    console.log(`${wrong.length === 0 ? 'valid  ' : 'WRONG  '} ${path.basename(file)}${document ? `: ${document.channels().all().length} channels, ${document.operations().all().length} operations, ${document.components().messages().all().length} messages` : ''}`);
    wrong.forEach((one) => console.log(`        ${one}`));
    bad += wrong.length > 0;
    valid += wrong.length === 0;
  }
  for (const file of list('planted')) {
    const { diagnostics } = await judge(file);
    const errors = diagnostics.filter((one) => one.severity === ERROR);
    console.log(`${errors.length > 0 ? 'refused' : 'WRONG  '} ${path.basename(file)}: ${errors.length > 0 ? errors[0].message.split('\n')[0] : 'it was taken for valid'}`);
    bad += errors.length === 0;
    refused += errors.length > 0;
  }
  console.log(`RESULT: ${valid} documents valid by @asyncapi/parser, ${refused} planted ones refused${bad > 0 ? `, ${bad} WRONG` : ''}`);
  process.exit(bad > 0 || valid === 0 || refused === 0 ? 1 : 0);
})();
