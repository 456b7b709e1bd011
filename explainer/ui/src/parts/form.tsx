// Forms only make an address: what is asked stands in it, and the question is put by going there.
import type { ComponentChildren } from 'preact';
import { go, to } from '../app/address';

interface FormProps { path: string; keep: Record<string, string | null>; children: ComponentChildren; label: string }

// Every named field becomes a parameter; empty ones are left out.
export function AddressForm({ path, keep, children, label }: FormProps) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given: Record<string, string | null> = { ...keep };
    for (const [name, value] of new FormData(event.currentTarget as HTMLFormElement)) given[name] = String(value).trim();
    go(to(path, given));
  };
  return (
    <form onSubmit={submit} aria-label={label}>
      {children}
      <button type="submit">ask</button>
    </form>
  );
}

interface FieldProps { name: string; value: string | null; label?: string; hint?: string; required?: boolean; list?: string[]; pattern?: string }

export function Field({ name, value, label, hint, required, list, pattern }: FieldProps) {
  const list_id = list && list.length > 0 ? `list-${name}` : undefined;
  return (
    <label class="field">
      <span>{label ?? name}</span>
      <input name={name} defaultValue={value ?? ''} key={value ?? ''} placeholder={hint} required={required} list={list_id}
        pattern={pattern} autocomplete="off" spellcheck={false} />
      {list_id ? <datalist id={list_id}>{list!.map((item) => <option key={item} value={item} />)}</datalist> : null}
    </label>
  );
}

export function Choice({ name, value, options }: { name: string; value: string | null; options: string[] }) {
  return (
    <label class="field">
      <span>{name}</span>
      <select name={name} key={value ?? ''}>
        {options.map((option) => <option key={option} value={option} selected={option === value}>{option}</option>)}
      </select>
    </label>
  );
}
