// What the server says exists: entities, fields, operations, views. Screens are drawn from this alone.
import { createContext, useContext } from 'react';
import type { Answer, Entity, Field, Meta, Operation, ReadOnly, Values } from '../api/types';

export const MetaContext = createContext<Meta | null>(null);

export function useMeta(): Meta {
  const meta = useContext(MetaContext);
  if (!meta) throw new Error('No metadata here');
  return meta;
}

/** The label of a role; a role that was removed keeps its code. */
export const roleLabel = (meta: Meta, code: string): string => meta.roles.find((role) => role.code === code)?.label ?? code;

export function useEntity(name: string): Entity | undefined {
  return useMeta().entities[name];
}

export function fieldOf(entity: Entity | undefined, name: string | null | undefined): Field | undefined {
  return name ? entity?.fields.find((field) => field.name === name) : undefined;
}

export function fieldsByName(entity: Entity, names: readonly string[]): Field[] {
  return names.flatMap((name) => fieldOf(entity, name) ?? []);
}

export const isNumeric = (field: Field): boolean => ['int', 'dec', 'money', 'duration'].includes(field.kind);

/** May a person type into it at all? */
export const isEditable = (field: Field): boolean => !field.read_only && !field.by_operation;

/** May a person type into it here and now? `locked` is what the server says of the record; `lines` names owned lines. */
export function mayType(field: Field, locked: ReadOnly | null | undefined, lines?: string): boolean {
  if (!isEditable(field) || locked?.record) return false;
  return !(lines === undefined ? locked?.fields : locked?.lines[lines])?.includes(field.name);
}

/** Sections to draw; an entity without a view file gets one of all its fields. */
export function sectionsOf(entity: Entity): { key: string; label: string; fields: Field[] }[] {
  const sections = entity.view?.sections;
  if (sections?.length) {
    return sections
      .map((section) => ({ ...section, fields: fieldsByName(entity, section.fields) }))
      .filter((section) => section.fields.length > 0);
  }
  return [{ key: 'all', label: entity.label, fields: entity.fields.filter((field) => field.kind !== 'lines') }];
}

export function moreOf(entity: Entity): Field[] {
  return fieldsByName(entity, entity.view?.more ?? []);
}

export function columnsOf(entity: Entity): { field: Field; width?: number | null; priority: number }[] {
  const columns = entity.view?.list;
  if (columns?.length) {
    return columns.flatMap((column) => {
      const field = fieldOf(entity, column.field);
      return field ? [{ field, width: column.width, priority: column.priority ?? 2 }] : [];
    });
  }
  return entity.fields
    .filter((field) => !['long_text', 'json', 'lines', 'many', 'file'].includes(field.kind))
    .slice(0, 6)
    .map((field, index) => ({ field, priority: index < 3 ? 1 : 2 }));
}

export interface NamedOperation extends Operation {
  name: string;
}

export function operationOf(meta: Meta, name: string): NamedOperation | undefined {
  const operation = meta.operations[name];
  return operation ? { ...operation, name } : undefined;
}

/** Operations of a record's form, primary ones first, in the order of the view. */
export function formOperations(meta: Meta, entityName: string): NamedOperation[] {
  const entity = meta.entities[entityName];
  if (!entity) return [];
  const order = [...(entity.view?.operations ?? []), ...(entity.operations ?? [])];
  const seen = new Set<string>();
  const found: NamedOperation[] = [];
  for (const name of order) {
    const operation = operationOf(meta, name);
    if (!operation || seen.has(name) || operation.on !== entityName || !operation.button) continue;
    seen.add(name);
    found.push(operation);
  }
  return found;
}

/** Operations without a record stand on the list of the entity whose name theirs begins with. */
export function listOperations(meta: Meta, entityName: string): NamedOperation[] {
  return Object.entries(meta.operations)
    .filter(([name, operation]) => !operation.on && operation.button && name.startsWith(`${entityName}.`))
    .map(([name, operation]) => ({ ...operation, name }));
}

export interface Undo {
  operation: NamedOperation;
  input: Values;
}

/**
 * The operation that takes back what was done, with the record to which it is done: that of the operation itself, or the
 * one that it made, told by its output or by the links of its result.
 */
export function undoOf(meta: Meta, name: string, input: Values, answer: Answer | undefined): Undo | null {
  const done = operationOf(meta, name);
  const inverse = done?.inverse ? operationOf(meta, done.inverse) : undefined;
  if (!done || !inverse?.target) return null;
  let id: unknown;
  if (inverse.on === done.on && done.target) id = input[done.target];
  else {
    const made = done.output?.find((field) => field.kind === 'ref' && field.to === inverse.on);
    const links = (answer?._result?.links ?? []).filter((link) => link.entity === inverse.on);
    id = (made ? answer?.[made.name] : undefined) ?? (links.length === 1 ? links[0]!.id : undefined);
  }
  return typeof id === 'number' ? { operation: inverse, input: { [inverse.target]: id } } : null;
}

/** Input that a person fills in: all of it but the record that the operation is about. */
export function askedFields(operation: Operation): Field[] {
  return operation.input.filter((field) => field.name !== operation.target);
}

/** Required input that is not there yet. */
export function missingInput(operation: Operation, input: Values): Field[] {
  return askedFields(operation).filter(
    (field) => field.required && isEmpty(input[field.name]) && isEmpty(field.default),
  );
}

/**
 * Does pressing the button open a dialog? Always where something dangerous is confirmed or something can be said. An
 * optional list ("only these lines") alone does not stand in the way of a primary operation: left out, it means all.
 */
export function asks(operation: Operation, input: Values): boolean {
  const asked = askedFields(operation);
  return (
    operation.dangerous === true ||
    missingInput(operation, input).length > 0 ||
    asked.some((field) => field.required || !['list', 'json'].includes(field.kind)) ||
    (operation.button !== 1 && asked.length > 0)
  );
}

export function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

export function areaOf(meta: Meta, entityName: string): { key: string; label: string } | undefined {
  return meta.areas.find((area) => area.entities.includes(entityName));
}
