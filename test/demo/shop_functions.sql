-- What the shop's tables need before they can be cloned one by one: their schema, and the function
-- of their triggers. The demo runs this on the source and on the target.
create schema shop;
comment on schema shop is 'A small mail-order business.';

create function shop.touch() returns trigger
language plpgsql as $$
begin
    new.changed_at := now();
    return new;
end
$$;
